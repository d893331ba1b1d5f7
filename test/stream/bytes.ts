import { chunksInUse } from "../../src/stream/blob-stream.ts";
import { randomBytesOf } from "../support/random.ts";

/** `bytes` cut into pieces of the given sizes, which are repeated as often as needed. */
export async function* cut(
  bytes: Uint8Array,
  ...sizes: readonly number[]
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const size = sizes[i % sizes.length] ?? bytes.byteLength;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** The same, in chunks that are written over as soon as the rule of `chunksInUse` allows: `alive` further ones asked for. */
export async function* scribbled(
  bytes: Uint8Array,
  size: number,
  alive = chunksInUse,
): AsyncGenerator<Uint8Array, void, void> {
  const ring: Uint8Array[] = [];
  for await (const piece of cut(bytes, size)) {
    if (ring.length === alive) ring.shift()?.fill(0xee);
    const chunk = Uint8Array.from(piece);
    ring.push(chunk);
    yield chunk;
  }
  if (ring.length === alive) ring.shift()?.fill(0xee);
}

/** All of it, each chunk copied as it comes. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Bytes that compress about as well as programs do, the same for the same seed. */
export function compressible(seed: number, size: number): Buffer {
  const noise = randomBytesOf(seed, size);
  const words = randomBytesOf(seed + 1, 4096);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const length = 16 + ((noise[at] ?? 0) >> 2);
    const from = (noise.readUInt16LE(Math.min(at, size - 2)) * 7) % 4000;
    const source = (noise[at] ?? 0) % 3 === 0 ? noise.subarray(at) : words.subarray(from);
    source.copy(bytes, at, 0, length);
    at += length;
  }
  return bytes;
}

/** The code of the error that reading to the end throws; undefined where it does not. */
export async function failureOf(bytes: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  try {
    await collect(bytes);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  throw error;
}
