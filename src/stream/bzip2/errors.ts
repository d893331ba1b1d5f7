import { ContentError } from "../../core/errors.ts";

/** What Go's compress/bzip2 says of such content. */
export function invalid(why: string): ContentError {
  return new ContentError("content.bad-compression", `bzip2 data invalid: ${why}`);
}
