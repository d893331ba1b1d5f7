import { ContentError, CopyError, KnownError } from "../../core/errors.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { quotedName } from "../../stream/tar/parser.ts";
import { UnpackError } from "./errors.ts";
import type { SentFailure } from "./messages.ts";

/** What the system says to entries that cannot be; everything else is its own trouble. */
const layersFault = new Set([
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "EXDEV",
  "ENOENT",
  "EEXIST",
  "EINVAL",
  "EMLINK",
  "EISDIR",
  "ERANGE",
  "E2BIG",
]);

/** Whether it is entries that the system says this of, not the machine. */
export function isLayersFault(errno: string): boolean {
  return layersFault.has(errno);
}

/** A failure as it is sent from one thread to another; `name` is the entry at work. */
export function failureOf(error: unknown, name: ByteString | undefined): SentFailure {
  const where = name === undefined ? "" : `unpacking ${quotedName(name)}: `;
  if (error instanceof KnownError) {
    const { code, message, hint } = error;
    const shown = error instanceof UnpackError ? where + message : message;
    return { kind: kindOf(error), code, message: shown, ...(hint !== undefined && { hint }) };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const errno = errnoOf(error);
  if (errno === undefined) return { kind: "other", code: "", message, ...(stack && { stack }) };
  const code = isLayersFault(errno) ? "storage.bad-layer" : "storage.unpack-failed";
  return { kind: "unpack", code, message: where + message };
}

function kindOf(error: KnownError): SentFailure["kind"] {
  if (error instanceof ContentError) return "content";
  return error instanceof CopyError ? "copy" : "unpack";
}

function errnoOf(error: unknown): string | undefined {
  if (error instanceof SystemCallError) return error.code;
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return;
  return "syscall" in error ? error.code : undefined;
}
