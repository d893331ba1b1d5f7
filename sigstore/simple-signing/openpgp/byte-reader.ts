import { malformed } from "./malformed.ts";

/** Takes bytes from the front, and never more than there are. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** How many were taken. */
  get offset(): number {
    return this.#at;
  }

  /** @throws {SignatureError} `signature.malformed` where fewer are left */
  take(length: number): Uint8Array {
    if (length > this.left) throw malformed(`${length} bytes expected, ${this.left} left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** A big-endian number of up to four bytes. */
  uint(length: 1 | 2 | 4): number {
    return this.take(length).reduce((number, byte) => number * 256 + byte, 0);
  }

  /** A multiprecision integer without its leading zeros — RFC 9580 § 3.2. */
  mpi(): Uint8Array {
    const bytes = this.take(Math.ceil(this.uint(2) / 8));
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first);
  }

  /** @throws {SignatureError} `signature.malformed` unless all were taken */
  end(): void {
    if (this.left > 0) throw malformed(`${this.left} bytes too many`);
  }
}
