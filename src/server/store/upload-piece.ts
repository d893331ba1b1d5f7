import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { UploadPiece } from "../v2/backend.ts";
import type { GrowingFile } from "./growing-file.ts";
import type { RunningHash } from "./running-hash.ts";

/** @throws {RegistryAnswerError} 416 where the piece is not the one that comes next, with what is held in `Range` */
export function checkStart({ range }: UploadPiece, size: number): void {
  if (range === undefined) return;
  if (range.first !== size || range.last < range.first - 1) {
    throw new RegistryAnswerError("RANGE_INVALID", "upload is not continued where it ends", {
      status: 416,
      headers: { Range: `0-${Math.max(0, size - 1)}` },
      detail: { size },
    });
  }
}

/**
 * Writes a piece at the end of its file. What has come stays where the body breaks off; a body that is longer than its range,
 * or makes the blob too long, is taken back whole.
 *
 * @throws {RegistryAnswerError} 400 SIZE_INVALID, 413
 */
export async function appendPiece(
  file: GrowingFile,
  hash: RunningHash,
  { body, range }: UploadPiece,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<void> {
  const start = file.size;
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.last + 1;
  for await (const chunk of body) {
    signal.throwIfAborted();
    const size = file.size + chunk.byteLength;
    if (size > end || size > maxBytes) {
      await file.cutTo(start);
      throw size > end ? otherLength() : tooLarge(maxBytes);
    }
    const written = file.append(chunk);
    hash.add(chunk); // while it is being written
    await written;
  }
  if (range !== undefined && file.size < end) {
    throw otherLength();
  }
}

function otherLength(): RegistryAnswerError {
  return new RegistryAnswerError("SIZE_INVALID", "Content-Range and content differ in length", {
    status: 400,
  });
}

function tooLarge(maxBytes: number): RegistryAnswerError {
  return new RegistryAnswerError("SIZE_INVALID", `blobs may have ${maxBytes} bytes at most`, {
    status: 413,
  });
}
