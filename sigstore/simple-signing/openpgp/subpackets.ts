import { ByteReader } from "./byte-reader.ts";
import { malformed } from "./malformed.ts";
import { readLength } from "./packets.ts";

/** What a version 4 signature says of itself, as far as it is of use — RFC 9580 § 5.2.3. */
export interface Subpackets {
  /** Seconds since the epoch. */
  readonly created?: number;
  /** Seconds after its creation; 0 for ever. */
  readonly lifetime?: number;
  /** Seconds after the key's creation; 0 for ever. */
  readonly keyLifetime?: number;
  /** The first octet of the key flags. */
  readonly keyFlags?: number;
  /** Upper-case hex. */
  readonly fingerprints: readonly string[];
  readonly keyIds: readonly string[];
  /** Fingerprints of those that may revoke this key. */
  readonly revokers: readonly string[];
  /** Signatures within, not parsed. */
  readonly embedded: readonly Uint8Array[];
  /** Something that must be understood, and is not. */
  readonly unknownCritical: boolean;
}

const types = {
  created: 2,
  lifetime: 3,
  keyLifetime: 9,
  revoker: 12,
  keyId: 16,
  keyFlags: 27,
  embedded: 32,
  fingerprint: 33,
} as const;

/**
 * Those that may be marked critical. Not among them, on purpose: notations (20), of which none is known here; trust and
 * its limits (5, 6), targets (31) and recipients (35), which mean nothing here.
 */
const understood: readonly number[] = [
  2, 3, 4, 7, 9, 11, 12, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 39,
];

interface Subpacket {
  readonly type: number;
  readonly critical: boolean;
  readonly content: Uint8Array;
}

/**
 * Reads one area of subpackets. What may stand there once only and stands there twice refuses all.
 *
 * @throws {SignatureError} `signature.malformed`
 */
export function parseSubpackets(area: Uint8Array): Subpackets {
  const all = [...readSubpackets(area)];
  const each = (type: number) => all.filter((one) => one.type === type).map((one) => one.content);
  const created = onlyNumber(each(types.created));
  const lifetime = onlyNumber(each(types.lifetime));
  const keyLifetime = onlyNumber(each(types.keyLifetime));
  const keyFlags = only(each(types.keyFlags));
  return {
    ...(created !== undefined && { created }),
    ...(lifetime !== undefined && { lifetime }),
    ...(keyLifetime !== undefined && { keyLifetime }),
    ...(keyFlags !== undefined && { keyFlags: keyFlags[0] ?? 0 }),
    fingerprints: each(types.fingerprint).map(fingerprint),
    keyIds: each(types.keyId).map((content) => hex(content, 8)),
    revokers: each(types.revoker).map((content) => hex(content.subarray(2), 20)),
    embedded: each(types.embedded),
    unknownCritical: all.some(({ type, critical }) => critical && !understood.includes(type)),
  };
}

function* readSubpackets(area: Uint8Array): Generator<Subpacket, void, undefined> {
  const reader = new ByteReader(area);
  while (reader.left > 0) {
    const body = reader.take(readLength(reader, reader.uint(1)));
    const [type] = body;
    if (type === undefined) throw malformed("empty subpacket");
    yield { type: type & 0x7f, critical: type >= 0x80, content: body.subarray(1) };
  }
}

function only(contents: readonly Uint8Array[]): Uint8Array | undefined {
  if (contents.length > 1) throw malformed("the same subpacket twice");
  return contents[0];
}

function onlyNumber(contents: readonly Uint8Array[]): number | undefined {
  const content = only(contents);
  if (content === undefined) return undefined;
  const reader = new ByteReader(content);
  const number = reader.uint(4);
  reader.end();
  return number;
}

/** Version and fingerprint; one of another version than 4 is of no key that is known here. */
function fingerprint(content: Uint8Array): string {
  return content[0] === 4 ? hex(content.subarray(1), 20) : "of another version";
}

function hex(content: Uint8Array, length: number): string {
  if (content.length !== length) throw malformed("subpacket of a wrong length");
  return Buffer.from(content).toString("hex").toUpperCase();
}
