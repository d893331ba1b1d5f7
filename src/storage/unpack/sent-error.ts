import {
  ContentError,
  type ContentErrorCode,
  CopyError,
  type CopyErrorCode,
} from "../../core/errors.ts";
import { UnpackError, type UnpackErrorCode } from "./errors.ts";
import type { SentFailure } from "./messages.ts";

/** The error again, on the side that asked for the work. */
export function errorOf({ kind, code, message, hint, stack }: SentFailure): Error {
  const options = hint === undefined ? {} : { hint };
  if (kind === "content") return new ContentError(code as ContentErrorCode, message, options);
  if (kind === "copy") return new CopyError(code as CopyErrorCode, message, options);
  if (kind === "unpack") return new UnpackError(code as UnpackErrorCode, message, options);
  return Object.assign(new Error(message), stack !== undefined && { stack });
}
