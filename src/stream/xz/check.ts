import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Crc64 } from "./crc64.ts";

/** Sums up what a block unpacks to. */
export interface Check {
  update(bytes: Uint8Array): void;
  /** What has to stand behind the block. */
  digest(): Uint8Array;
}

/** A kind of check, by its number in a stream's flags. The Go tools know no others. */
const checks: Readonly<Record<number, { readonly bytes: number; readonly create: () => Check }>> = {
  0: { bytes: 0, create: () => ({ update() {}, digest: () => new Uint8Array(0) }) },
  1: { bytes: 4, create: () => new Crc32() },
  4: { bytes: 8, create: () => new Crc64() },
  10: { bytes: 32, create: () => createHash("sha256") },
};

/** How a stream's blocks are checked; undefined for a number that is none's. */
export function checkOf(flags: number): { readonly bytes: number; create(): Check } | undefined {
  return checks[flags];
}

class Crc32 implements Check {
  #sum = 0;

  update(bytes: Uint8Array): void {
    this.#sum = crc32(bytes, this.#sum);
  }

  digest(): Buffer {
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(this.#sum);
    return sum;
  }
}
