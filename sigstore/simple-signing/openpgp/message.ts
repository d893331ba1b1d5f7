import { SignatureError } from "../../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { inflate } from "./inflate.ts";
import { malformed } from "./malformed.ts";
import { type Packet, packetTags, readPackets } from "./packets.ts";
import { parseSignature, type Signature } from "./signature-packet.ts";

/** A message of one signature, nothing of it believed yet. */
export interface SignedMessage {
  readonly content: Uint8Array;
  readonly signature: Signature;
}

// message    = compressed / signed            nothing before it, nothing behind it
// compressed = one packet that inflates to signed
// signed     = one-pass literal signature / signature literal
/** The longest message that is one, and one more kind of each packet that it has. */
const maxPackets = 16;

/**
 * Parses a signed message strictly (`specs` signing.md 2.3, "ours"). No more than 16 packets are ever read, nor more
 * than 4 MiB inflated.
 *
 * @throws {SignatureError} `signature.malformed`, in the reference's words
 */
export function parseSignedMessage(bytes: Uint8Array): SignedMessage {
  const packets = takePackets(bytes);
  const [first] = packets;
  if (packets.length === 1 && first?.tag === packetTags.compressed) {
    return signedMessage(takePackets(inflate(first.body)));
  }
  return signedMessage(packets);
}

function takePackets(bytes: Uint8Array): readonly Packet[] {
  try {
    return readPackets(bytes).take(maxPackets).toArray();
  } catch (error) {
    throw error instanceof SignatureError ? malformed("damaged packet", "No data") : error;
  }
}

function signedMessage(packets: readonly Packet[]): SignedMessage {
  const [first, second, third] = packets;
  const shape = packets.map(({ tag }) => letters[tag] ?? "?").join("");
  if (shape === "OLS" && first && second && third) {
    const signature = parseSignature(third.body);
    checkOnePass(first.body, signature);
    return { content: parseLiteral(second.body), signature };
  }
  if (shape === "SL" && first && second) {
    return { content: parseLiteral(second.body), signature: parseSignature(first.body) };
  }
  throw malformed(`packets ${shape}`, misshapen(shape));
}

const letters: Readonly<Record<number, string>> = {
  [packetTags.onePass]: "O",
  [packetTags.literal]: "L",
  [packetTags.signature]: "S",
};

/** What GnuPG, through the reference, says of a message of this shape. */
function misshapen(shape: string): string {
  const count = (letter: string) => shape.split(letter).length - 1;
  if (/^[OL]*$/.test(shape) && count("L") < 2) return "No data";
  if (/^O{2,}LS+$/.test(shape)) return `Unexpected GPG signature count ${count("S")}`;
  const isCounted = /^(?:OLS{2,}|S+|O?LO?S|S+LS*)$/.test(shape);
  return isCounted ? "Unexpected GPG signature count 0" : "Bad data";
}

// one-pass = 3 type hash algorithm key-id(8) last(1)
/** It announces the signature behind the content: what it says must be that signature's. */
function checkOnePass(body: Uint8Array, signature: Signature): void {
  const reader = new ByteReader(body);
  if (reader.uint(1) !== 3) throw malformed("one-pass signature of another version");
  const type = reader.uint(1);
  const hashAlgorithm = reader.uint(1);
  const algorithm = reader.uint(1);
  reader.take(8);
  const isLast = reader.uint(1);
  reader.end();
  const isSame =
    type === signature.type &&
    hashAlgorithm === signature.hashAlgorithm &&
    algorithm === signature.algorithm;
  if (!isSame || isLast === 0) throw malformed("one-pass packet of another signature");
}

// literal = mode name-length name date(4) content       all but the content are not signed, and not used
function parseLiteral(body: Uint8Array): Uint8Array {
  const reader = new ByteReader(body);
  const mode = String.fromCharCode(reader.uint(1));
  if (!"btul1m".includes(mode)) throw malformed(`literal of mode ${mode}`);
  reader.take(reader.uint(1));
  reader.take(4);
  return reader.rest();
}
