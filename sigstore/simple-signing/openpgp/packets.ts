import { ByteReader } from "./byte-reader.ts";
import { malformed } from "./malformed.ts";

/** The packets that are read here — RFC 9580 § 5. */
export const packetTags = {
  signature: 2,
  onePass: 4,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  compressed: 8,
  marker: 10,
  literal: 11,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
} as const;

/** One packet: what it is, and its content put together. */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

// header = old / new
// old    = %b10 tag(4) kind(2)  length         kind 0, 1, 2: length of 1, 2, 4 bytes; 3: all that is left
// new    = %b11 tag(6) *partial length         partial = %b111 power(5), followed by 2^power bytes of the content
// length = 0..191 / 192..223 byte / 255 byte*4
/** Only content may be cut in pieces or go on to the end — RFC 9580 § 4.2.1.4. */
const streamed: readonly number[] = [packetTags.compressed, packetTags.literal];

/**
 * The packets in `bytes`, one at a time, so that whoever takes only a few never reads the others.
 *
 * @throws {SignatureError} `signature.malformed` where the next is none
 */
export function* readPackets(bytes: Uint8Array): Generator<Packet, void, undefined> {
  const reader = new ByteReader(bytes);
  while (reader.left > 0) yield readPacket(reader);
}

function readPacket(reader: ByteReader): Packet {
  const header = reader.uint(1);
  if (header < 0x80) throw malformed("not a packet");
  const isNew = (header & 0x40) !== 0;
  const tag = isNew ? header & 0x3f : (header >> 2) & 0x0f;
  if (tag === 0) throw malformed("reserved packet");
  return { tag, body: isNew ? readNew(reader, tag) : readOld(reader, tag, header & 3) };
}

function readOld(reader: ByteReader, tag: number, kind: number): Uint8Array {
  if (kind === 0) return reader.take(reader.uint(1));
  if (kind === 1) return reader.take(reader.uint(2));
  if (kind === 2) return reader.take(reader.uint(4));
  if (!streamed.includes(tag)) throw malformed("packet of no length");
  return reader.rest();
}

function readNew(reader: ByteReader, tag: number): Uint8Array {
  const first = reader.uint(1);
  if (first < 224 || first === 255) return reader.take(readLength(reader, first));
  if (!streamed.includes(tag)) throw malformed("packet in pieces");
  return readPieces(reader, first);
}

/** Copies the pieces to one place at once: a list of them could be as long as the message. */
function readPieces(reader: ByteReader, firstLength: number): Uint8Array {
  const content = new Uint8Array(reader.left);
  let filled = 0;
  let length = firstLength;
  for (;;) {
    const isPartial = length >= 224 && length < 255;
    const piece = reader.take(isPartial ? 2 ** (length & 0x1f) : readLength(reader, length));
    content.set(piece, filled);
    filled += piece.length;
    if (!isPartial) return content.slice(0, filled);
    length = reader.uint(1);
  }
}

/** The length that starts with `first`, which is no partial one; subpackets have the same but for `first` of 224 to 254. */
export function readLength(reader: ByteReader, first: number): number {
  if (first < 192) return first;
  if (first === 255) return reader.uint(4);
  return (first - 192) * 256 + reader.uint(1) + 192;
}
