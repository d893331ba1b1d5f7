import { createHash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { randomBytesOf } from "./random.ts";
import type { StoredBlob } from "./registry/store.ts";

const piece = randomBytesOf(7, 1024 * 1024);
const digests = new Map<number, Digest>();

/** A blob of any size that takes no room: one mebibyte over and over, the counter of each in its first bytes. */
export async function generatedBlob(
  size: number,
): Promise<{ readonly blob: StoredBlob; readonly digest: Digest }> {
  const blob: StoredBlob = { size, read: (from, to) => bytesBetween(from, to) };
  return { blob, digest: digests.get(size) ?? (await hashOf(blob)) };
}

async function hashOf(blob: StoredBlob): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of blob.read(0, blob.size)) hash.update(chunk);
  const digest = `sha256:${hash.digest("hex")}` as Digest;
  digests.set(blob.size, digest);
  return digest;
}

async function* bytesBetween(from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const index = Math.floor(at / piece.length);
    const start = at - index * piece.length;
    const end = Math.min(piece.length, start + to - at);
    const chunk = Buffer.from(piece.subarray(start, end));
    if (start === 0 && chunk.length >= 4) chunk.writeUInt32LE(index, 0);
    yield chunk;
    at += end - start;
  }
}
