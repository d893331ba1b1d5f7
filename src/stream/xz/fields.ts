import { crc32 } from "node:zlib";
import { invalid } from "./errors.ts";

/** Goes through bytes that are all there. */
export class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    if (this.#at >= this.#bytes.byteLength) throw invalid("unexpected EOF");
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A number in groups of seven bits, the lowest first; the last has no eighth bit. */
  number(): number {
    const value = new VariableNumber();
    while (!value.add(this.byte()));
    return value.value;
  }

  /** Whether nothing but zeros is left. */
  isPadding(): boolean {
    return isZero(this.#bytes.subarray(this.#at));
  }
}

/** A number that comes in groups of seven bits, the lowest first. */
export class VariableNumber {
  value = 0;
  #weight = 1;

  /** Whether it was the last group. @throws {ContentError} beyond what a size can be */
  add(byte: number): boolean {
    this.value += (byte & 0x7f) * this.#weight;
    this.#weight *= 128;
    if (byte < 0x80 && this.value <= Number.MAX_SAFE_INTEGER) return true;
    if (this.value > Number.MAX_SAFE_INTEGER || this.#weight > 2 ** 63) {
      throw invalid("xz: uvarint overflows 64-bit unsigned integer");
    }
    return false;
  }
}

/** Whether there are no other bytes than zeros. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Whether the last four bytes are the CRC-32 of those before. */
export function endsInSum(bytes: Uint8Array): boolean {
  const sum = bytes.byteLength - 4;
  return wordAt(bytes, sum) === crc32(bytes.subarray(0, sum));
}

/** 32 bits without a sign, the lowest byte first. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
