import { readCertificates } from "./openpgp/key-ring.ts";
import {
  certification,
  judgeSigningPrimary,
  judgeSubkey,
  type KeyStanding,
} from "./openpgp/key-standing.ts";
import type { PublicKey } from "./openpgp/public-key.ts";
import type { CheckedCertificate } from "./openpgp/self-signatures.ts";

/** A key or subkey, for people. */
export interface KeyDescription {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  /** `RSA 3072`, `Ed25519`. */
  readonly algorithm: string;
  readonly created: Date;
  /** Absent where it never does, or where it cannot be told. */
  readonly expires?: Date;
  /** Whether signatures made with it are accepted now. */
  readonly signs: boolean;
  /** Why they are not: it follows the key's name in a message. */
  readonly problem?: string;
}

/** A primary key, the names it goes by and what stands under it. */
export interface CertificateDescription extends KeyDescription {
  /** Those it has certified itself and not taken back: `Name <user@host>`, any text. */
  readonly userIds: readonly string[];
  readonly revoked: boolean;
  readonly subkeys: readonly KeyDescription[];
}

/** The keys in `files` at `now`, each armoured or binary, for `trust show` and `trust lint`; empty where none can be read. */
export function describeKeys(
  files: readonly Uint8Array[],
  now: Date,
): readonly CertificateDescription[] {
  const seconds = Math.floor(now.getTime() / 1000);
  return readCertificates(files).map((one) => describeCertificate(one, seconds));
}

function describeCertificate(certificate: CheckedCertificate, now: number): CertificateDescription {
  const { primary, userIds, subkeys, revoked, maybeRevoked } = certificate;
  return {
    ...describeKey(primary, judgeSigningPrimary(certificate, now)),
    userIds: userIds.filter((one) => certification(one, primary, now)).map(({ text }) => text),
    revoked: revoked || maybeRevoked,
    subkeys: subkeys.map((one) => describeKey(one.key, judgeSubkey(certificate, one, now))),
  };
}

function describeKey(key: PublicKey, { problem, expires }: KeyStanding): KeyDescription {
  return {
    fingerprint: key.fingerprint,
    algorithm: key.material.label,
    created: new Date(key.created * 1000),
    ...(expires !== undefined && { expires: new Date(expires * 1000) }),
    signs: problem === undefined,
    ...(problem && { problem: problem.text }),
  };
}
