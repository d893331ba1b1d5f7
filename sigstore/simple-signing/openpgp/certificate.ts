import { SignatureError } from "../../errors.ts";
import { type Packet, packetTags, readPackets } from "./packets.ts";
import { type PublicKey, parsePublicKey } from "./public-key.ts";
import { parseSignature, type Signature, signatureTypes } from "./signature-packet.ts";

/** Something of a certificate and the signatures that stand behind it. */
export interface Component<T> {
  readonly content: T;
  readonly signatures: Signature[];
}

/** A primary key with all that is said of it, nothing checked: RFC 9580 § 10.1 calls it a transferable public key. */
export interface Certificate {
  readonly primary: Component<PublicKey>;
  readonly userIds: Component<Uint8Array>[];
  readonly subkeys: Component<PublicKey>[];
}

// certificate = primary *signature *user-id-part *subkey-part       in any order, as GnuPG has it
/** May stand anywhere and means nothing here: markers, trust, attributes, padding, and packets for private use. */
const isOfNoUse = (tag: number) => tag >= 12 || tag === packetTags.marker;

/** What stands in a block of packets. */
export interface KeyBlock {
  readonly certificates: readonly Certificate[];
  /** Every revocation of a primary key, wherever it stands: also alone, as GnuPG makes one ready with each key. */
  readonly revocations: readonly Signature[];
}

/**
 * The certificates in one block of packets, each as far as it can be read: of a part that cannot, its signatures are
 * left out too. The first that holds a damaged signature, or something that is no packet of a key, ends it.
 */
export function parseKeyBlock(block: Uint8Array): KeyBlock {
  const reader = new BlockReader();
  if (readWhole(block, reader)) reader.end();
  return reader;
}

function readWhole(block: Uint8Array, reader: BlockReader): boolean {
  try {
    for (const packet of readPackets(block)) if (!reader.read(packet)) return false;
    return true;
  } catch (error) {
    if (error instanceof SignatureError) return false;
    throw error;
  }
}

class BlockReader implements KeyBlock {
  readonly certificates: Certificate[] = [];
  readonly revocations: Signature[] = [];
  #current: Certificate | undefined;
  /** Where signatures go; undefined behind something that cannot be read. */
  #signatures: Signature[] | undefined;

  end(): void {
    if (this.#current) this.certificates.push(this.#current);
    this.#current = undefined;
  }

  /** False where a packet cannot be of a key. */
  read({ tag, body }: Packet): boolean {
    switch (tag) {
      case packetTags.publicKey:
      case packetTags.secretKey:
        this.#startCertificate(body, tag === packetTags.secretKey);
        return true;
      case packetTags.publicSubkey:
      case packetTags.secretSubkey:
        this.#addSubkey(body, tag === packetTags.secretSubkey);
        return true;
      case packetTags.userId:
        this.#signatures = add(this.#current?.userIds, body);
        return true;
      case packetTags.userAttribute:
        this.#signatures = undefined;
        return true;
      case packetTags.signature:
        return this.#addSignature(body);
      default:
        return isOfNoUse(tag);
    }
  }

  #startCertificate(body: Uint8Array, isSecret: boolean): void {
    this.end();
    const content = parsed(() => parsePublicKey(body, isSecret));
    this.#signatures = content && [];
    if (!content || !this.#signatures) return;
    this.#current = {
      primary: { content, signatures: this.#signatures },
      userIds: [],
      subkeys: [],
    };
  }

  #addSubkey(body: Uint8Array, isSecret: boolean): void {
    const content = parsed(() => parsePublicKey(body, isSecret));
    this.#signatures = content && add(this.#current?.subkeys, content);
  }

  /** False where it is damaged: it may have been a revocation, without which the rest says too much. GnuPG stops too. */
  #addSignature(body: Uint8Array): boolean {
    const signature = parsed(() => parseSignature(body));
    if (signature?.type === signatureTypes.keyRevocation) this.revocations.push(signature);
    else if (signature) this.#signatures?.push(signature);
    return signature !== undefined || isOfLaterVersion(body);
  }
}

/** Versions 5 and 6 say nothing of keys of version 4. */
function isOfLaterVersion([version = 0]: Uint8Array): boolean {
  return version > 4;
}

function add<T>(list: Component<T>[] | undefined, content: T): Signature[] | undefined {
  if (!list) return undefined;
  const signatures: Signature[] = [];
  list.push({ content, signatures });
  return signatures;
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SignatureError) return undefined;
    throw error;
  }
}

/** Certificates of the same primary key as one: a revocation in any of them counts for all. */
export function mergeCertificates(all: readonly Certificate[]): readonly Certificate[] {
  const merged = new Map<string, Certificate>();
  for (const certificate of all) {
    const { fingerprint } = certificate.primary.content;
    const known = merged.get(fingerprint);
    merged.set(fingerprint, known ? merge(known, certificate) : certificate);
  }
  return [...merged.values()];
}

function merge(a: Certificate, b: Certificate): Certificate {
  return {
    primary: joined(a.primary, b.primary),
    userIds: mergeParts([...a.userIds, ...b.userIds], (id) => Buffer.from(id).toString("latin1")),
    subkeys: mergeParts([...a.subkeys, ...b.subkeys], ({ fingerprint }) => fingerprint),
  };
}

function mergeParts<T>(parts: readonly Component<T>[], nameOf: (content: T) => string) {
  const merged = new Map<string, Component<T>>();
  for (const part of parts) {
    const name = nameOf(part.content);
    const known = merged.get(name);
    merged.set(name, known ? joined(known, part) : part);
  }
  return [...merged.values()];
}

function joined<T>(a: Component<T>, b: Component<T>): Component<T> {
  return { content: a.content, signatures: [...a.signatures, ...b.signatures] };
}
