import { createHash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { randomBytesOf } from "./random.ts";
import type { StoredBlob } from "./registry/store.ts";

const piece = randomBytesOf(7, 1024 * 1024);
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** What the first bytes look like: a copy passes on what is packed, and may pack what is not. */
export type GeneratedKind = "gzip" | "plain";

export interface GeneratedBlob {
  readonly blob: StoredBlob;
  readonly digest: Digest;
}

/** A blob of any size that takes no room: one mebibyte over and over, the counter of each in its first bytes. */
export async function generatedBlob(kind: GeneratedKind, size: number): Promise<GeneratedBlob> {
  const blob: StoredBlob = { size, read: (from, to) => bytesBetween(kind, from, to) };
  const hash = createHash("sha256");
  for await (const chunk of blob.read(0, size)) hash.update(chunk);
  return { blob, digest: `sha256:${hash.digest("hex")}` as Digest };
}

async function* bytesBetween(
  kind: GeneratedKind,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const index = Math.floor(at / piece.length);
    const start = at - index * piece.length;
    const end = Math.min(piece.length, start + to - at);
    const whole = Buffer.from(piece);
    whole.writeUInt32LE(index, gzipHeader.length);
    if (index === 0 && kind === "gzip") whole.set(gzipHeader);
    yield whole.subarray(start, end);
    at += end - start;
  }
}
