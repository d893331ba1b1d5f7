import { readKeyBlocks } from "./armor.ts";
import { mergeCertificates, parseKeyBlock } from "./certificate.ts";
import {
  judgePrimary,
  judgeSigningPrimary,
  judgeSubkey,
  type KeyStanding,
} from "./key-standing.ts";
import type { PublicKey } from "./public-key.ts";
import { type CheckedCertificate, checkCertificate, isNamed } from "./self-signatures.ts";
import type { Signature } from "./signature-packet.ts";

/** A key that may have made a signature. */
export interface SigningKey {
  readonly key: PublicKey;
  readonly certificate: CheckedCertificate;
  /** Whether it may sign data at `now`, seconds since the epoch. */
  judge(now: number): KeyStanding;
}

/**
 * All certificates in `files`, binary or armoured, any number in each, those of the same key as one. What cannot be
 * read is left out: `specs` signing.md 1.5.
 */
export function readCertificates(files: readonly Uint8Array[]): readonly CheckedCertificate[] {
  const blocks = files.flatMap(readKeyBlocks).map(parseKeyBlock);
  const certificates = mergeCertificates(blocks.flatMap((block) => block.certificates));
  const revocations = blocks.flatMap((block) => block.revocations);
  return certificates.flatMap((one) => checkCertificate(one, { certificates, revocations }) ?? []);
}

/** Whether a key would be imported at `now`: it is not from the future, and calls itself something. */
export function isImported(certificate: CheckedCertificate, now: number): boolean {
  const { problem } = judgePrimary(certificate, now);
  return problem?.code !== "signature.bad";
}

/** The keys in `certificates` that `signature` says it was made by; none where it does not say. */
export function findSigners(
  certificates: readonly CheckedCertificate[],
  signature: Signature,
): readonly SigningKey[] {
  if (signature.fingerprints.length + signature.keyIds.length === 0) return [];
  return certificates.flatMap(signingKeys).filter(({ key }) => isNamed(signature, key));
}

/** The primary key and its subkeys, each as one that may sign. */
export function signingKeys(certificate: CheckedCertificate): readonly SigningKey[] {
  const { primary, subkeys } = certificate;
  const own = {
    key: primary,
    certificate,
    judge: (now: number) => judgeSigningPrimary(certificate, now),
  };
  const others = subkeys.map((subkey) => ({
    key: subkey.key,
    certificate,
    judge: (now: number) => judgeSubkey(certificate, subkey, now),
  }));
  return [own, ...others];
}
