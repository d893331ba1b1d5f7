import { ContentError, KnownError } from "../core/errors.ts";
import type { CompressionFormat } from "./compression-format.ts";
import { TrailingBytes } from "./zlib-pump.ts";

/** More comes out than may. */
export function unfoldsTooFar(maxRatio: number): ContentError {
  return new ContentError(
    "content.bad-compression",
    `decompresses to more than ${maxRatio} times its size`,
  );
}

/** Go's wording for what zlib found; any other error was the source's, and stays as it is. */
export function brokenCompression(error: unknown, format: CompressionFormat): unknown {
  if (error instanceof KnownError) return error;
  const text = error instanceof TrailingBytes ? trailing(format) : engineText(error, format);
  return text === undefined
    ? error
    : new ContentError("content.bad-compression", text, { cause: error });
}

function trailing(format: CompressionFormat): string {
  return format === "gzip" ? "gzip: invalid header" : "invalid input: magic number mismatch";
}

function engineText(error: unknown, format: CompressionFormat): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return;
  if (error.code === "Z_BUF_ERROR") return "unexpected EOF";
  if (error.code.startsWith("ZSTD_")) return `invalid input: ${error.message}`;
  if (!error.code.startsWith("Z_") || format !== "gzip") return;
  if (error.message === "incorrect header check") return "gzip: invalid header";
  if (/^incorrect (data|length) check$/.test(error.message)) return "gzip: invalid checksum";
  return `flate: corrupt input: ${error.message}`;
}
