import { ContentError } from "../../core/errors.ts";

/** What is wrong with the content, in the words of the Go tools' reader (github.com/ulikunitz/xz). */
export function invalid(why: string): ContentError {
  return new ContentError("content.bad-compression", why);
}
