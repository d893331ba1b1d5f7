import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { UploadPiece } from "../v2/backend.ts";
import { isFull } from "./errors.ts";
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

/** How much may be taken, and until when. */
export interface PieceLimits {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Writes a piece at the end of its file. What has come stays where the body breaks off. A body that is longer than its range, or
 * makes the blob too long, is taken back whole; and so is one that does not fit on the disk, since what it takes there nobody
 * else could have until the upload expires.
 *
 * @throws {RegistryAnswerError} 400 SIZE_INVALID, 413
 */
export async function appendPiece(
  file: GrowingFile,
  hash: RunningHash,
  piece: UploadPiece,
  limits: PieceLimits,
): Promise<void> {
  const start = file.size;
  try {
    await appendAll(file, hash, piece, limits);
  } catch (error) {
    if (isFull(error) || error instanceof TooLong) await file.cutTo(start);
    throw error;
  }
}

async function appendAll(
  file: GrowingFile,
  hash: RunningHash,
  { body, range }: UploadPiece,
  { maxBytes, signal }: PieceLimits,
): Promise<void> {
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.last + 1;
  for await (const chunk of body) {
    signal.throwIfAborted();
    const size = file.size + chunk.byteLength;
    if (size > end) throw new TooLong(otherLength, 400);
    if (size > maxBytes) throw new TooLong(`blobs may have ${maxBytes} bytes at most`, 413);
    const written = file.append(chunk);
    hash.add(chunk); // while it is being written
    await written;
  }
  if (range !== undefined && file.size < end) {
    throw new RegistryAnswerError("SIZE_INVALID", otherLength, { status: 400 });
  }
}

const otherLength = "Content-Range and content differ in length";

class TooLong extends RegistryAnswerError {
  constructor(message: string, status: number) {
    super("SIZE_INVALID", message, { status });
  }
}
