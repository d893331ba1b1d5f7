import type { KeyObject } from "node:crypto";
import type { Bundle } from "@sigstore/bundle";
import type { Digest } from "../../src/core/digest.ts";
import { KnownError } from "../../src/core/errors.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";
import type { VerifiedSignature } from "../verifiers.ts";
import { bundleMediaType, maxBundleBytes } from "./bundle-format.ts";
import { verifyBundleInLogs } from "./bundle-logs.ts";
import type { PreparedBundleTrust } from "./bundle-trust.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { verifyChain } from "./certificate-chain.ts";
import { matchIdentity } from "./certificate-identity.ts";
import { isSignedForBundle, preAuthEncoding } from "./dsse.ts";
import { keyIdOf, spkiOf } from "./public-key.ts";
import { parseSignStatement } from "./statement.ts";

const mediaTypes: ReadonlySet<string> = new Set([
  bundleMediaType,
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
]);
const payloadType = "application/vnd.in-toto+json";
const maxSkewMs = 5 * 60 * 1000;

/** The envelope of a bundle, its parts decoded. */
interface Envelope {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Verifies a bundle of cosign 3, offline: that one of those trusted made it, in the logs and in time where there is a
 * trusted root, and that it is a signature of exactly this manifest. It says nothing of what the image is called, so no
 * policy that asks for a name can be content with it — `specs/signing.md` 4.8.
 *
 * @throws {SignatureError} why the bundle proves nothing
 */
export async function verifyBundle(
  bytes: Uint8Array,
  trust: PreparedBundleTrust,
  { manifestDigest, now }: { readonly manifestDigest: Digest; readonly now: Date },
): Promise<VerifiedSignature> {
  const bundle = await parseBundle(bytes);
  const envelope = envelopeOf(bundle);
  const { content } = bundle.verificationMaterial;
  if (content.$case === "publicKey") {
    const key = keyThatSigned(trust, envelope);
    const times = trust.root
      ? await timesInLogs(bundle, envelope, trust.root, { key, der: spkiOf(key) }, now)
      : [];
    return verified(envelope, manifestDigest, keyIdOf(key), times);
  }
  const [first] =
    content.$case === "certificate"
      ? [content.certificate]
      : content.x509CertificateChain.certificates;
  const leaf = parseCertificate(first?.rawBytes ?? new Uint8Array());
  return verifyCertified(bundle, envelope, leaf, trust, { manifestDigest, now });
}

async function verifyCertified(
  bundle: Bundle,
  envelope: Envelope,
  leaf: Certificate,
  { signers, root }: PreparedBundleTrust,
  { manifestDigest, now }: { readonly manifestDigest: Digest; readonly now: Date },
): Promise<VerifiedSignature> {
  if (signers.type !== "certificates" || !root) {
    throw bad("signature.unknown-key", "The bundle is signed with a certificate, not with a key");
  }
  if (!leaf.publicKey) throw bad("signature.bad-certificate", "Unsupported kind of public key");
  if (!isSignedForBundle(leaf.publicKey, envelope.data, envelope.signature)) throw notSigned();
  const signer = { key: leaf.publicKey, der: leaf.raw };
  const times = await timesInLogs(bundle, envelope, root, signer, now);
  if (times.length === 0) throw bad("signature.bad-log-entry", "No time is proved");
  for (const time of times) checkChain(leaf, root, time);
  return verified(envelope, manifestDigest, matchIdentity(leaf, signers.identities), times);
}

function verified(
  { payload }: Envelope,
  manifestDigest: Digest,
  signedBy: string,
  times: readonly Date[],
): VerifiedSignature {
  const signed = parseSignStatement(payload);
  if (signed !== manifestDigest) {
    throw bad("signature.bad-payload", `Signature for digest ${signed} does not match`);
  }
  const earliest = Math.min(...times.map((time) => time.getTime()));
  return {
    claim: { manifestDigest },
    signedBy,
    ...(times.length > 0 && { signedAt: new Date(earliest) }),
  };
}

async function parseBundle(bytes: Uint8Array): Promise<Bundle> {
  if (bytes.length > maxBundleBytes) {
    throw malformed(`exceeded maximum allowed size of ${maxBundleBytes} bytes`);
  }
  const { bundleFromJSON } = await import("@sigstore/bundle");
  try {
    // Read twice: a member that occurs twice is nothing to a Map, and lost on JSON.parse.
    parseStrictJson(bytes, { maxDepth: 100 });
    const bundle = bundleFromJSON(JSON.parse(Buffer.from(bytes).toString()));
    if (!mediaTypes.has(bundle.mediaType)) throw malformed("Unknown type of bundle");
    return bundle;
  } catch (cause) {
    if (cause instanceof SignatureError) throw cause;
    const reason = cause instanceof KnownError ? cause.message : "it is malformed";
    throw malformed(`The bundle cannot be read: ${reason}`, cause);
  }
}

function envelopeOf({ content }: Bundle): Envelope {
  if (content.$case !== "dsseEnvelope") throw malformed("The bundle has no statement");
  const { payload, payloadType: type, signatures } = content.dsseEnvelope;
  const [signature, ...others] = signatures;
  if (!signature || others.length > 0) throw malformed("The bundle has not exactly one signature");
  if (type !== payloadType) throw malformed("The bundle's payload is no in-toto statement");
  return { payload, signature: signature.sig, data: preAuthEncoding(type, payload) };
}

/** The hint in a bundle is anybody's: every key is tried. */
function keyThatSigned({ signers }: PreparedBundleTrust, { data, signature }: Envelope): KeyObject {
  if (signers.type !== "keys") {
    throw bad("signature.unknown-key", "The bundle is signed with a key, not with a certificate");
  }
  const key = signers.keys.find((candidate) => isSignedForBundle(candidate, data, signature));
  if (!key) throw notSigned();
  return key;
}

async function timesInLogs(
  bundle: Bundle,
  { data, signature }: Envelope,
  root: NonNullable<PreparedBundleTrust["root"]>,
  signer: { readonly key: KeyObject; readonly der: Uint8Array },
  now: Date,
): Promise<readonly Date[]> {
  const times = await verifyBundleInLogs(bundle, root.document, {
    ...signer,
    isSigned: () => isSignedForBundle(signer.key, data, signature),
  });
  const latest = now.getTime() + maxSkewMs;
  if (times.every((time) => time.getTime() <= latest)) return times;
  throw bad("signature.bad-log-entry", "The bundle is dated in the future");
}

/** `@sigstore/verify` asks less of a chain: neither what its certificates are for, nor critical extensions. */
function checkChain(
  leaf: Certificate,
  { authorities }: NonNullable<PreparedBundleTrust["root"]>,
  time: Date,
): void {
  const failures: string[] = [];
  for (const { root, intermediates, validFrom, validTo } of authorities) {
    if (time < validFrom || time > validTo) continue;
    const { chain, ...result } = verifyChain(leaf, { roots: [root], intermediates }, time);
    if (chain) return;
    failures.push("failure" in result ? result.failure : "");
  }
  const reason = failures[0] ?? "no authority was trusted at that time";
  throw bad("signature.bad-certificate", `The certificate is not accepted: ${reason}`);
}

function notSigned(): SignatureError {
  return bad("signature.bad", "cryptographic signature verification failed");
}

function malformed(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.malformed", message, { cause });
}

function bad(code: SignatureError["code"], message: string): SignatureError {
  return new SignatureError(code, message);
}
