import type { KeyObject } from "node:crypto";
import type { Bundle, TransparencyLogEntry } from "@sigstore/bundle";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import type { SignedEntity } from "@sigstore/verify";
import { SignatureError } from "../errors.ts";
import { signerInLog } from "./log-body.ts";

/** Who signed a bundle, found and checked already. */
export interface BundleSigner {
  readonly key: KeyObject;
  /** The certificate, or the key as SubjectPublicKeyInfo: what every log entry has to name. */
  readonly der: Uint8Array;
  /** Asked by the package in its turn. */
  isSigned(): boolean;
}

/**
 * Verifies a bundle's entries in transparency logs (promises, inclusion proofs, checkpoints), its timestamps, its SCTs
 * where the trusted root knows logs of certificates: by `@sigstore/verify`, and what that leaves out by ourselves.
 *
 * @returns the times that are proved: one at least where a certificate signed, possibly none where a key did
 * @throws {SignatureError} `signature.bad-log-entry`
 */
export async function verifyBundleInLogs(
  bundle: Bundle,
  root: TrustedRoot,
  signer: BundleSigner,
): Promise<readonly Date[]> {
  const { toSignedEntity, toTrustMaterial, Verifier } = await import("@sigstore/verify");
  const isCertified = bundle.verificationMaterial.content.$case !== "publicKey";
  const entity = orBad(() => {
    const found = toSignedEntity(bundle);
    const material = toTrustMaterial(root, () => ({
      publicKey: signer.key,
      validFor: () => true,
    }));
    const verifier = new Verifier(material, {
      tlogThreshold: 1,
      ctlogThreshold: isCertified && root.ctlogs.length > 0 ? 1 : 0,
      timestampThreshold: isCertified ? 1 : 0,
    });
    verifier.verify(withSigner(found, signer));
    return found;
  });
  const times = orBad(() => provedTimes(entity));
  for (const entry of entity.tlogEntries) {
    checkSigner(entry, signer);
    checkPeriod(entry, root, times);
  }
  return times;
}

/** The package knows one hash for all curves. */
function withSigner(entity: SignedEntity, signer: BundleSigner): SignedEntity {
  const { signature: content } = entity;
  return {
    ...entity,
    signature: {
      signature: content.signature,
      compareSignature: (bytes) => content.compareSignature(bytes),
      compareDigest: (digest) => content.compareDigest(digest),
      compareSignedDigest: (digest) => content.compareSignedDigest(digest),
      verifySignature: (key) => key.equals(signer.key) && signer.isSigned(),
    },
  };
}

/** Those that the package verified: a log's time counts only with its promise. */
function provedTimes({ timestamps }: SignedEntity): readonly Date[] {
  return timestamps.flatMap((stamp) => {
    if (stamp.$case === "timestamp-authority") return [checked(stamp.timestamp.signingTime)];
    const { inclusionPromise, integratedTime } = stamp.tlogEntry;
    return inclusionPromise ? [checked(new Date(Number(integratedTime) * 1000))] : [];
  });
}

function checked(time: Date): Date {
  if (Number.isNaN(time.getTime())) throw bad("A time in the bundle is none");
  return time;
}

function checkSigner(entry: TransparencyLogEntry, { der }: BundleSigner): void {
  if (Buffer.compare(signerInLog(entry.canonicalizedBody), der) === 0) return;
  throw bad("The log entry is about another signer");
}

/** A log is trusted for a time; with a proof of inclusion alone, the package does not ask whether this is in it. */
function checkPeriod(
  entry: TransparencyLogEntry,
  { tlogs }: TrustedRoot,
  times: readonly Date[],
): void {
  if (times.length === 0) return;
  const isTrusted = tlogs.some(({ checkpointKeyId, logId, publicKey }) => {
    const id = checkpointKeyId?.keyId ?? logId?.keyId;
    if (id === undefined || !id.equals(entry.logId.keyId)) return false;
    const { start, end } = publicKey?.validFor ?? {};
    return times.some((time) => (!start || start <= time) && (!end || time <= end));
  });
  if (!isTrusted) throw bad("The log was not trusted at that time");
}

/** Whatever the package throws, the bundle proves nothing. */
function orBad<T>(verify: () => T): T {
  try {
    return verify();
  } catch (cause) {
    if (cause instanceof SignatureError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw bad(`The bundle is not accepted: ${reason}`, cause);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-log-entry", message, { cause });
}
