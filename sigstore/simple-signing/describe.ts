import { KnownError } from "../../src/core/errors.ts";
import { claimedTime, parsePayload, type SignedPayload } from "../payload.ts";
import type { SignatureDescription } from "../verifiers.ts";
import { inflateStart } from "./openpgp/inflate.ts";
import { parseSignedMessage } from "./openpgp/message.ts";
import { type Packet, packetTags, readPackets } from "./openpgp/packets.ts";
import { parseSignature, type Signature } from "./openpgp/signature-packet.ts";

/** What a message says before anybody has verified it. */
export interface UntrustedContent {
  /** 16 upper-case hex digits, where it names its key. */
  readonly keyId?: string;
  readonly payload: SignedPayload;
}

/**
 * The content of what looks like a message, for `untrusted-signature-dump-without-verification`: it may well be damaged
 * behind its content.
 *
 * @throws {SignatureError} `signature.malformed`, `signature.bad-payload`
 */
export function readUntrusted(bytes: Uint8Array): UntrustedContent {
  const [announced, literal] = attempt(() => looseContent(bytes)) ?? [];
  if (announced?.tag === packetTags.onePass && literal?.tag === packetTags.literal) {
    const keyId = Buffer.from(announced.body.subarray(4, 12)).toString("hex").toUpperCase();
    return { keyId, payload: parsePayload(contentOf(literal.body), "simple-signing") };
  }
  const { content, signature } = parseSignedMessage(bytes);
  return { ...named(signature), payload: parsePayload(content, "simple-signing") };
}

/** What can be told of any bytes; nothing of it is shown to be true. Never throws. */
export function describeSimpleSignature(bytes: Uint8Array): SignatureDescription {
  const packets = attempt(() => looseContent(bytes)) ?? [];
  const literal = packets.find(({ tag }) => tag === packetTags.literal)?.body;
  const one = packets.find(({ tag }) => tag === packetTags.signature)?.body;
  const signature = one && attempt(() => parseSignature(one));
  const payload = literal && attempt(() => parsePayload(contentOf(literal), "simple-signing"));
  const seconds = payload?.timestamp ?? signature?.created;
  return {
    format: "simple-signing",
    ...(signature && named(signature)),
    ...(payload && {
      dockerReference: payload.dockerReference,
      manifestDigest: payload.manifestDigest,
    }),
    ...claimedTime(seconds),
  };
}

function looseContent(bytes: Uint8Array): readonly Packet[] {
  const packets = loosePackets(bytes);
  const [first] = packets;
  return first?.tag === packetTags.compressed
    ? loosePackets(inflateStart(first.body).content)
    : packets;
}

/** The first packets, up to one that is none. */
function loosePackets(bytes: Uint8Array): readonly Packet[] {
  const most = 16;
  const found: Packet[] = [];
  attempt(() => {
    for (const packet of readPackets(bytes).take(most)) found.push(packet);
  });
  return found;
}

function contentOf(literal: Uint8Array): Uint8Array {
  return literal.subarray(2 + (literal[1] ?? 0) + 4);
}

function named({ fingerprints, keyIds }: Signature): Pick<UntrustedContent, "keyId"> {
  const keyId = fingerprints[0]?.slice(-16) ?? keyIds[0];
  return keyId === undefined ? {} : { keyId };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}
