import { SignatureError } from "../../errors.ts";
import type { Certificate, Component, KeyBlock } from "./certificate.ts";
import { isMadeBy } from "./check-signature.ts";
import type { PublicKey } from "./public-key.ts";
import { parseSignature, type Signature, signatureTypes } from "./signature-packet.ts";

/** What the owner of a certificate says of it, each statement shown to be the owner's; times are still to be judged. */
export interface CheckedCertificate {
  readonly primary: PublicKey;
  readonly directKey: readonly Signature[];
  readonly userIds: readonly CheckedUserId[];
  readonly subkeys: readonly CheckedSubkey[];
  /** Of the whole certificate, by its owner or by one whom the owner named for it. */
  readonly revoked: boolean;
  /** By one whom the owner named for it and whose key is not at hand: it may be revoked. */
  readonly maybeRevoked: boolean;
}

/** A name, and what was said of it last and before. */
export interface CheckedUserId {
  readonly text: string;
  readonly certifications: readonly Signature[];
  readonly revocations: readonly Signature[];
}

/** A subkey; those bindings that say it signs are backed by the subkey itself. */
export interface CheckedSubkey {
  readonly key: PublicKey;
  readonly bindings: readonly Binding[];
  readonly revoked: boolean;
}

/** The owner's word that a subkey is theirs, and the subkey's word that it has this owner. */
export interface Binding {
  readonly signature: Signature;
  readonly backSignatures: readonly Signature[];
}

/** Nobody changes a key as often: a certificate with more statements costs time and is not read. */
const maxStatements = 2_000;

/**
 * Leaves of a certificate what its own key has signed; what others say of it is nobody's concern. Undefined where there
 * is too much of it.
 *
 * @param all where revocations, and the keys of those named to revoke, are looked for
 */
export function checkCertificate(
  certificate: Certificate,
  all: KeyBlock,
): CheckedCertificate | undefined {
  if (countStatements(certificate) > maxStatements) return undefined;
  const { content: primary, signatures } = certificate.primary;
  const directKey = ownStatements(
    primary,
    signatures,
    [signatureTypes.directKey],
    [primary.hashed],
  );
  const userIds = certificate.userIds.map((part) => checkUserId(primary, part));
  const subkeys = certificate.subkeys.map((part) => checkSubkey(primary, part));
  const revokers = [...directKey, ...userIds.flatMap((one) => one.certifications)].flatMap(
    (one) => one.revokers,
  );
  return { primary, directKey, userIds, subkeys, ...revocation(primary, revokers, all) };
}

function countStatements({ primary, userIds, subkeys }: Certificate): number {
  return [primary, ...userIds, ...subkeys]
    .flatMap((part) => part.signatures)
    .filter((one) => isNamed(one, primary.content)).length;
}

/** Whether a signature says that it is of this key, or does not say of which it is. */
export function isNamed(
  { fingerprints, keyIds }: Signature,
  key: Pick<PublicKey, "fingerprint" | "keyId">,
): boolean {
  return (
    fingerprints.every((one) => one === key.fingerprint) && keyIds.every((one) => one === key.keyId)
  );
}

/** Those of `types` that `primary` made over `content`, and of which nothing is unknown that must be known. */
function ownStatements(
  primary: PublicKey,
  signatures: readonly Signature[],
  types: readonly number[],
  content: readonly Uint8Array[],
): readonly Signature[] {
  return signatures.filter(
    (signature) =>
      types.includes(signature.type) &&
      signature.version === 4 &&
      !signature.unknownCritical &&
      isNamed(signature, primary) &&
      isMadeBy(primary, signature, content, "self"),
  );
}

/** A revocation counts whatever it is made with, whatever else it says. */
function isRevocation(
  by: PublicKey,
  signature: Signature,
  type: number,
  content: readonly Uint8Array[],
): boolean {
  return signature.type === type && isMadeBy(by, signature, content, "revocation");
}

function checkUserId(primary: PublicKey, part: Component<Uint8Array>): CheckedUserId {
  const { content: id, signatures } = part;
  const content = [primary.hashed, idHeader(id), id];
  return {
    text: Buffer.from(id).toString(),
    certifications: ownStatements(primary, signatures, signatureTypes.certifications, content),
    revocations: signatures.filter((one) =>
      isRevocation(primary, one, signatureTypes.certificationRevocation, content),
    ),
  };
}

function idHeader(id: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5, 0xb4);
  header.writeUInt32BE(id.length, 1);
  return header;
}

function checkSubkey(primary: PublicKey, part: Component<PublicKey>): CheckedSubkey {
  const { content: key, signatures } = part;
  const content = [primary.hashed, key.hashed];
  const own = ownStatements(primary, signatures, [signatureTypes.subkeyBinding], content);
  return {
    key,
    bindings: own.map((signature) => ({
      signature,
      backSignatures: signature.embedded.flatMap((body) => checkBack(key, body, content)),
    })),
    revoked: signatures.some((one) =>
      isRevocation(primary, one, signatureTypes.subkeyRevocation, content),
    ),
  };
}

function checkBack(
  key: PublicKey,
  body: Uint8Array,
  content: readonly Uint8Array[],
): readonly Signature[] {
  try {
    return ownStatements(key, [parseSignature(body)], [signatureTypes.primaryBinding], content);
  } catch (error) {
    if (error instanceof SignatureError) return [];
    throw error;
  }
}

function revocation(
  primary: PublicKey,
  revokers: readonly string[],
  { certificates, revocations }: KeyBlock,
): Pick<CheckedCertificate, "revoked" | "maybeRevoked"> {
  const keys = certificates.map((one) => one.primary.content);
  const judges = [primary, ...keys.filter((key) => revokers.includes(key.fingerprint))];
  const revoked = judges.some((key) =>
    revocations.some(
      (one) =>
        isNamed(one, key) && isRevocation(key, one, signatureTypes.keyRevocation, [primary.hashed]),
    ),
  );
  const absent = revokers.filter((one) => !keys.some((key) => key.fingerprint === one));
  const maybeRevoked = absent
    .map((fingerprint) => ({ fingerprint, keyId: fingerprint.slice(-16) }))
    .some((key) => revocations.some((one) => isNamed(one, key)));
  return { revoked, maybeRevoked };
}
