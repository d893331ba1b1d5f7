import type { SignatureErrorCode } from "../../errors.ts";
import type { PublicKey } from "./public-key.ts";
import type { CheckedCertificate, CheckedSubkey, CheckedUserId } from "./self-signatures.ts";
import type { Signature } from "./signature-packet.ts";

/** What keeps a key from signing; `text` follows the key's name in a message. */
export interface KeyProblem {
  readonly code: SignatureErrorCode;
  readonly text: string;
}

/** A key at a moment. */
export interface KeyStanding {
  readonly problem?: KeyProblem;
  /** When the key ends, seconds since the epoch. */
  readonly expires?: number;
  /** When this has to be judged anew: the key ends then, or a statement about it. */
  readonly validUntil?: number;
}

/** Clocks differ: a statement this many seconds ahead is not yet of the future. A key is, as for GnuPG. */
export const clockSkew = 300;

const flags = { sign: 0x02 };

/**
 * Whether the primary key may be relied on at `now`, to sign or to vouch for its subkeys: not revoked, not expired, of a
 * kind that is strong enough, and under a name that it gave itself. Judged now, not when something was signed.
 */
export function judgePrimary(certificate: CheckedCertificate, now: number): KeyStanding {
  const { primary, revoked, maybeRevoked } = certificate;
  if (revoked) return { problem: revokedKey };
  if (maybeRevoked) {
    return { problem: { ...revokedKey, text: "may be revoked: the key that says so is not here" } };
  }
  const problem = judgeKey(primary, now);
  if (problem) return { problem };
  const { named, statements } = ownerStatements(certificate, now);
  if (!named) return { problem: { code: "signature.bad", text: "has no valid user ID" } };
  return withExpiry(primary, statements, statements, now);
}

/** Whether the primary key itself may sign data at `now`. */
export function judgeSigningPrimary(certificate: CheckedCertificate, now: number): KeyStanding {
  const standing = judgePrimary(certificate, now);
  if (standing.problem) return standing;
  const { statements } = ownerStatements(certificate, now);
  return statements.every(maySign) ? standing : { ...standing, problem: noSigningKey };
}

/** Whether a subkey may sign data at `now`; its primary key has to be in order too. */
export function judgeSubkey(
  certificate: CheckedCertificate,
  subkey: CheckedSubkey,
  now: number,
): KeyStanding {
  const primary = judgePrimary(certificate, now);
  if (primary.problem) return primary;
  const { key, bindings, revoked } = subkey;
  if (revoked) return { problem: revokedKey };
  const problem = judgeKey(key, now);
  if (problem) return { problem };
  const alive = bindings.filter(({ signature }) => isAlive(signature, key, now));
  const signature = newest(alive.map((binding) => binding.signature));
  const backs = alive.find((one) => one.signature === signature)?.backSignatures ?? [];
  const back = newest(backs.filter((one) => isAlive(one, key, now)));
  if (!signature || !maySign(signature)) return { problem: noSigningKey };
  if (!back)
    return { problem: { ...noSigningKey, text: "is not bound by a signature of its own" } };
  const own = withExpiry(key, [signature], [signature, back], now);
  const validUntil = earliest([own.validUntil, primary.validUntil]);
  return { ...own, ...(validUntil !== undefined && { validUntil }) };
}

const revokedKey: KeyProblem = { code: "signature.revoked-key", text: "is revoked" };
const noSigningKey: KeyProblem = { code: "signature.bad", text: "may not sign data" };

function judgeKey({ created, material }: PublicKey, now: number): KeyProblem | undefined {
  if (created > now) return { code: "signature.bad", text: "is from the future" };
  if (material.key) return undefined;
  return { code: "signature.weak", text: `is of a kind that is not accepted: ${material.label}` };
}

/** What the owner says of the primary key now: directly, and under the name that was certified last. */
function ownerStatements(
  { primary, directKey, userIds }: CheckedCertificate,
  now: number,
): { readonly named: boolean; readonly statements: readonly Signature[] } {
  const direct = newest(directKey.filter((one) => isAlive(one, primary, now)));
  const named = newest(userIds.flatMap((one) => certification(one, primary, now) ?? []));
  return {
    named: named !== undefined,
    statements: [direct, named].filter((one) => one !== undefined),
  };
}

/** The last word on a name, unless it was taken back at that time or later. */
export function certification(
  { certifications, revocations }: CheckedUserId,
  primary: PublicKey,
  now: number,
): Signature | undefined {
  const last = newest(certifications.filter((one) => isAlive(one, primary, now)));
  const isRevoked = revocations.some(({ created }) => last && created >= last.created);
  return isRevoked ? undefined : last;
}

function isAlive(statement: Signature, key: PublicKey, now: number): boolean {
  const end = endOf(statement.created, statement.lifetime);
  const hasBegun = statement.created >= key.created && statement.created <= now + clockSkew;
  return hasBegun && (end === undefined || end > now);
}

/** Without flags every key may: RFC 9580 § 5.2.3.29 leaves it open, and old keys have none. */
function maySign({ keyFlags }: Signature): boolean {
  return keyFlags === undefined || (keyFlags & flags.sign) !== 0;
}

/** The expiry that `deciding` statements set, the earliest of several; `all` have to live on for it to hold. */
function withExpiry(
  key: PublicKey,
  deciding: readonly Signature[],
  all: readonly Signature[],
  now: number,
): KeyStanding {
  const expires = earliest(deciding.map((one) => endOf(key.created, one.keyLifetime)));
  if (expires !== undefined && expires <= now) {
    return { expires, problem: { code: "signature.expired-key", text: "has expired" } };
  }
  const ends = all.map((one) => endOf(one.created, one.lifetime));
  const validUntil = earliest([expires, ...ends]);
  return {
    ...(expires !== undefined && { expires }),
    ...(validUntil !== undefined && { validUntil }),
  };
}

/** When something ends that lasts `lifetime` seconds from `start`; undefined for never. */
export function endOf(start: number, lifetime: number | undefined): number | undefined {
  return lifetime ? start + lifetime : undefined;
}

/** The smallest of those that are there. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

function newest(statements: readonly Signature[]): Signature | undefined {
  return statements.reduce<Signature | undefined>(
    (last, one) => (last && last.created > one.created ? last : one),
    undefined,
  );
}
