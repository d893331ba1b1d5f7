import { chunksInUse } from "./blob-stream.ts";

/** A file, or what is read like one: at any place, in any order, several reads at once. */
export interface RandomAccess {
  readonly size: number;
  /** Reads into `into` what stands at `position`. Gives how many bytes that were, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** A part of a file. */
export interface Region {
  readonly offset: number;
  readonly size: number;
}

const chunkBytes = 512 * 1024;

/** Fills `into` with what stands at `position`, as far as the file goes. Gives what was filled. */
export async function readFully(
  file: RandomAccess,
  into: Buffer,
  position: number,
): Promise<Buffer> {
  let filled = 0;
  while (filled < into.byteLength) {
    const count = await file.read(into.subarray(filled), position + filled);
    if (count === 0) break;
    filled += count;
  }
  return into.subarray(0, filled);
}

/**
 * The bytes of a region, fewer where the file ends before it does. Reads one chunk ahead, so that disk and hash work at
 * the same time; hence one buffer more than readers may keep ({@link chunksInUse}).
 */
export async function* readRegion(
  file: RandomAccess,
  { offset, size }: Region,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const end = offset + size;
  const length = Math.max(1, Math.min(chunkBytes, size));
  const ring: Buffer[] = [];
  let position = offset;
  let turn = 0;
  const readNext = (): Promise<Buffer> => {
    const slot = turn++ % (chunksInUse + 1);
    const buffer = ring[slot] ?? Buffer.allocUnsafeSlow(length);
    ring[slot] = buffer;
    const wanted = buffer.subarray(0, Math.min(length, end - position));
    const next = readFully(file, wanted, position);
    next.catch(() => {}); // thrown when its turn comes, if anybody still asks
    position += length;
    return next;
  };
  let next = size > 0 ? readNext() : undefined;
  while (next) {
    const chunk = await next;
    signal.throwIfAborted();
    next = position < end && chunk.byteLength === length ? readNext() : undefined;
    yield chunk;
  }
}
