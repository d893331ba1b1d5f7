import { SignatureError } from "../../errors.ts";

/** Bytes that are not what they should be; `detail` is for `--debug`, `message` for the user. */
export function malformed(detail: string, message = "Bad data"): SignatureError {
  return new SignatureError("signature.malformed", message, { cause: new Error(detail) });
}
