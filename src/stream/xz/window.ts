import { ContentError } from "../../core/errors.ts";
import { invalid } from "./errors.ts";

/** Twice as much as `xz -9` looks back. */
export const largestWindow = 128 * 1024 * 1024;

const firstBytes = 64 * 1024;

/**
 * What came out last, to be looked back at: as much as the stream says that it needs, but no more memory than came out, and
 * never more than a limit. What is at hand is taken out before more is put in.
 */
export class Window {
  readonly #largest: number;
  #bytes = new Uint8Array(0);
  #size = 0;
  #wanted = 0;
  /** Where the next byte goes, and how far it may go before what came is taken. */
  #at = 0;
  #limit = 0;
  #taken = 0;
  /** How many bytes can be looked back at. */
  #filled = 0;

  /** @param largest how far back at most, in bytes */
  constructor(largest = largestWindow) {
    this.#largest = largest;
  }

  /** Begins anew. @param wanted how far back the stream may look, in bytes */
  begin(wanted: number): void {
    this.#wanted = wanted;
    this.#size = Math.max(firstBytes, Math.min(wanted, this.#largest));
    if (this.#bytes.byteLength > this.#size || this.#bytes.byteLength === 0) {
      this.#bytes = new Uint8Array(firstBytes);
    }
    this.reset();
  }

  /** Forgets what came. */
  reset(): void {
    this.#at = 0;
    this.#limit = 0;
    this.#taken = 0;
    this.#filled = 0;
  }

  /** Makes room for up to so many bytes: at least one. */
  open(count: number): void {
    if (this.#at === this.#bytes.byteLength) this.#turn();
    this.#limit = Math.min(this.#bytes.byteLength, this.#at + count);
  }

  /** At its end: larger, where it may be, or over again. */
  #turn(): void {
    const { byteLength } = this.#bytes;
    if (byteLength < this.#size) {
      const larger = new Uint8Array(Math.min(this.#size, 2 * byteLength));
      larger.set(this.#bytes);
      this.#bytes = larger;
    } else {
      this.#at = 0;
      this.#taken = 0;
    }
  }

  get isFull(): boolean {
    return this.#at === this.#limit;
  }

  /** How many bytes came since the beginning, in so far as its lowest bits go. */
  get position(): number {
    return this.#at;
  }

  /** The last byte; 0 at the beginning. */
  get last(): number {
    return this.#filled === 0 ? 0 : this.#before(0);
  }

  #before(distance: number): number {
    const at = this.#at - 1 - distance;
    return this.#bytes[at < 0 ? at + this.#bytes.byteLength : at] ?? 0;
  }

  /** The byte so many before the last. @throws {ContentError} beyond what there is */
  back(distance: number): number {
    this.#check(distance);
    return this.#before(distance);
  }

  put(byte: number): void {
    this.#bytes[this.#at++] = byte;
    if (this.#filled < this.#size) this.#filled += 1;
  }

  /** Puts in what is already there, so many bytes back; gives how many there was no room for. */
  repeat(distance: number, length: number): number {
    this.#check(distance);
    const bytes = this.#bytes;
    const end = Math.min(this.#limit, this.#at + length);
    let from = this.#at - 1 - distance;
    if (from < 0) from += bytes.byteLength;
    const count = end - this.#at;
    for (let to = this.#at; to < end; to++) {
      bytes[to] = bytes[from++] ?? 0;
      if (from === bytes.byteLength) from = 0;
    }
    this.#at = end;
    this.#filled = Math.min(this.#size, this.#filled + count);
    return length - count;
  }

  #check(distance: number): void {
    const back = distance >>> 0;
    if (back < this.#filled) return;
    if (back < this.#wanted && this.#filled === this.#largest) {
      throw looksTooFarBack(this.#largest);
    }
    throw invalid("writeMatch: distance out of range");
  }

  /** Puts in as many of `bytes` as there is room for; gives how many. */
  add(bytes: Uint8Array): number {
    const count = Math.min(bytes.byteLength, this.#limit - this.#at);
    this.#bytes.set(bytes.subarray(0, count), this.#at);
    this.#at += count;
    this.#filled = Math.min(this.#size, this.#filled + count);
    return count;
  }

  /** What came since the last time; it lasts until more comes. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#taken, this.#at);
    this.#taken = this.#at;
    return taken;
  }
}

function looksTooFarBack(largest: number): ContentError {
  const megabytes = largest / 1024 / 1024;
  return new ContentError(
    "content.bad-compression",
    `xz: looks back further than the ${megabytes} MiB that are kept`,
    { hint: "Pack it again with a smaller dictionary, as xz -9 does." },
  );
}
