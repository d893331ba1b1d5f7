/** One DER value. */
export interface DerValue {
  /** The identifier octet: class, constructed bit and number; numbers above 30 are refused. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content. */
  readonly raw: Uint8Array;
}

/** Identifier octets. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Bytes that are no DER, or not the DER that is wanted. */
export class DerError extends Error {}

/** Reads DER values one after another, strictly: lengths definite and as short as they can be — X.690 § 10.1. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The identifier octet of the next value; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** @throws {DerError} */
  read(tag?: number): DerValue {
    const start = this.#at;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw new DerError("tag of several octets");
    if (tag !== undefined && found !== tag) throw new DerError("unexpected tag");
    const length = this.#length();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new DerError("value is cut short");
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag: found, content, raw: this.#bytes.subarray(start, end) };
  }

  /** The next value if it has this tag. */
  readIf(tag: number): DerValue | undefined {
    return this.peek() === tag ? this.read() : undefined;
  }

  /** A reader inside the next value. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** @throws {DerError} if anything is left */
  end(): void {
    if (!this.atEnd) throw new DerError("trailing data");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DerError("value is cut short");
    this.#at += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) throw new DerError("indefinite or overlong length");
    let length = 0;
    for (let index = 0; index < octets; index++) length = length * 256 + this.#byte();
    const shortest = length < 0x80 ? 0 : Math.ceil(length.toString(16).length / 2);
    if (octets !== shortest) throw new DerError("length is not as short as it can be");
    return length;
  }
}

/** All of `bytes` as one value. @throws {DerError} */
export function readDer(bytes: Uint8Array, tag: number): DerReader {
  const reader = new DerReader(bytes);
  const inside = reader.enter(tag);
  reader.end();
  return inside;
}

const maxOidLength = 64;

/** An object identifier's content in dots. @throws {DerError} */
export function parseOid(content: Uint8Array): string {
  if (content.length > maxOidLength) throw new DerError("object identifier is too long");
  const arcs: bigint[] = [];
  let value = 0n;
  let started = false;
  for (const byte of content) {
    if (!started && byte === 0x80) throw new DerError("object identifier with a leading zero");
    started = true;
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(value);
    value = 0n;
    started = false;
  }
  const [first] = arcs;
  if (started || first === undefined) throw new DerError("malformed object identifier");
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...arcs.slice(1)].join(".");
}

/** A non-negative INTEGER that fits a double. @throws {DerError} */
export function parseSmallInteger(content: Uint8Array): number {
  checkInteger(content);
  const first = content[0] ?? 0;
  if (first & 0x80 || content.length > 6) throw new DerError("integer out of range");
  return content.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** @throws {DerError} unless the INTEGER is written as short as it can be */
export function checkInteger(content: Uint8Array): void {
  const [first, second] = content;
  if (first === undefined) throw new DerError("empty integer");
  if (second === undefined) return;
  const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (padded) throw new DerError("integer is not as short as it can be");
}

/** @throws {DerError} unless it is 0x00 or 0xff */
export function parseBoolean(content: Uint8Array): boolean {
  const [value] = content;
  if (content.length !== 1 || (value !== 0 && value !== 0xff)) {
    throw new DerError("malformed boolean");
  }
  return value === 0xff;
}

/** The bits of a BIT STRING of whole octets. @throws {DerError} */
export function parseOctetBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError("bit string of broken octets");
  return content.subarray(1);
}

/** UTCTime or GeneralizedTime in the only form that RFC 5280 § 4.1.2.5 allows. @throws {DerError} */
export function parseTime({ tag, content }: DerValue): Date {
  const text = Buffer.from(content).toString("latin1");
  const short = tag === derTags.utcTime;
  if (!short && tag !== derTags.generalizedTime) throw new DerError("not a time");
  const match = (short ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/).exec(text);
  const [, years = "", others = ""] = match ?? [];
  const century = short ? (Number(years) < 50 ? "20" : "19") : "";
  const iso = others.replace(/^(..)(..)(..)(..)(..)$/, "$1-$2T$3:$4:$5");
  const written = `${century}${years}-${iso}.000Z`;
  const time = new Date(written);
  // A day such as 30 February becomes another one instead of being refused.
  if (!match || Number.isNaN(time.getTime()) || time.toISOString() !== written) {
    throw new DerError("malformed time");
  }
  return time;
}
