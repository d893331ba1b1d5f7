import { createHash, randomBytes, sign } from "node:crypto";
import { type TestCertificate, type TestKey, testKey, testTime } from "./certificates.ts";
import { type LogKind, logBody } from "./log-body.ts";
import { makeTimestamp } from "./timestamp.ts";

type Json = Record<string, unknown>;

const sha256 = (...parts: readonly Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const spki = ({ publicKey }: TestKey) => publicKey.export({ format: "der", type: "spki" });
const hashes: Readonly<Record<string, string>> = { secp384r1: "sha384", secp521r1: "sha512" };

/** What cosign 3 states of an image when it signs it. */
export function statementOf(manifestHex: string, change: Json = {}): Json {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: manifestHex }, annotations: {} }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
    ...change,
  };
}

/** A log of tests. */
export const logKey = testKey("p256");
export const logId = sha256(spki(logKey));

export interface BundleOptions {
  readonly statement: Json | string;
  readonly payloadType?: string;
  readonly signer: TestKey;
  /** Whose key then signs; without it the bundle names a key. */
  readonly certificate?: TestCertificate;
  readonly log?: LogOptions | false;
  /** By whom, and when; by default nobody. */
  readonly timestamps?: readonly (readonly [TestCertificate, Date])[];
  /** Changes what is finished. */
  readonly change?: (bundle: BundleJson) => unknown;
}

export interface BundleJson {
  mediaType: string;
  verificationMaterial: Json & { tlogEntries?: Json[] };
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

export interface LogOptions {
  readonly key?: TestKey;
  readonly at?: Date;
  /** PEM of whom the entry names. */
  readonly verifier?: string;
  readonly kind?: LogKind;
  readonly promise?: boolean;
  readonly proof?: boolean;
  /** Changes the body before it is logged. */
  readonly body?: (body: Json) => unknown;
}

/** A bundle as cosign 3 makes it, with a log and timestamps of one's own. */
export function makeBundle(options: BundleOptions): Buffer {
  const { statement, signer, certificate, payloadType = "application/vnd.in-toto+json" } = options;
  const payload = Buffer.from(
    typeof statement === "string" ? statement : JSON.stringify(statement),
  );
  const signature = signDsse(payloadType, payload, signer);
  const { log = {}, timestamps = [] } = options;
  const holder = certificate?.pem ?? signer.pem;
  const bundle: BundleJson = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      ...(certificate
        ? { certificate: { rawBytes: base64(certificate.der) } }
        : { publicKey: { hint: base64(sha256(spki(signer))) } }),
      ...(log && { tlogEntries: [logEntry(payloadType, payload, signature, holder, log)] }),
      ...(timestamps.length > 0 && {
        timestampVerificationData: {
          rfc3161Timestamps: timestamps.map(([authority, at]) => ({
            signedTimestamp: base64(makeTimestamp(signature, authority, at)),
          })),
        },
      }),
    },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType,
      signatures: [{ sig: base64(signature) }],
    },
  };
  const final = options.change?.(bundle) ?? bundle;
  return Buffer.from(typeof final === "string" ? final : JSON.stringify(final));
}

function pae(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
}

function signDsse(type: string, payload: Uint8Array, { privateKey }: TestKey): Buffer {
  const curve = privateKey.asymmetricKeyDetails?.namedCurve ?? "";
  const hash = privateKey.asymmetricKeyType === "ed25519" ? null : (hashes[curve] ?? "sha256");
  return sign(hash, pae(type, payload), privateKey);
}

function logEntry(
  type: string,
  payload: Uint8Array,
  signature: Uint8Array,
  holder: string,
  { key = logKey, at = new Date(testTime.getTime() - 3_600_000), ...options }: LogOptions,
): Json {
  const { kind: name = "dsse 0.0.1", promise = true, proof = true, verifier = holder } = options;
  const [kind, version] = name.split(" ");
  const plain = logBody(name, { payload, data: pae(type, payload), signature, verifier });
  const changed = options.body?.(plain) ?? plain;
  const body = Buffer.from(typeof changed === "string" ? changed : JSON.stringify(changed));
  const seconds = Math.floor(at.getTime() / 1000);
  return {
    logIndex: "0",
    logId: { keyId: base64(sha256(spki(key))) },
    kindVersion: { kind, version },
    integratedTime: String(seconds),
    ...(promise && {
      inclusionPromise: { signedEntryTimestamp: base64(promiseOf(body, seconds, key)) },
    }),
    ...(proof && { inclusionProof: proofOf(body, key) }),
    canonicalizedBody: base64(body),
  };
}

function promiseOf(body: Buffer, seconds: number, key: TestKey): Buffer {
  const payload = {
    body: base64(body),
    integratedTime: seconds,
    logID: sha256(spki(key)).toString("hex"),
    logIndex: 0,
  };
  return sign("sha256", Buffer.from(JSON.stringify(payload)), key.privateKey);
}

/** The first of two leaves. */
function proofOf(body: Buffer, key: TestKey): Json {
  const sibling = randomBytes(32);
  const root = sha256(Buffer.of(1), sha256(Buffer.of(0), body), sibling);
  const note = `rekor.example.com - 1\n2\n${base64(root)}\n`;
  const signature = sign("sha256", Buffer.from(note), key.privateKey);
  const line = base64(Buffer.concat([sha256(spki(key)).subarray(0, 4), signature]));
  return {
    logIndex: "0",
    rootHash: base64(root),
    treeSize: "2",
    hashes: [base64(sibling)],
    checkpoint: { envelope: `${note}\n\u2014 rekor.example.com ${line}\n` },
  };
}

export interface RootOptions {
  readonly authorities?: readonly (readonly TestCertificate[])[];
  readonly timestampAuthorities?: readonly (readonly TestCertificate[])[];
  readonly logs?: readonly TestKey[];
  /** Logs of certificates. */
  readonly certificateLogs?: readonly TestKey[];
  readonly validFor?: { readonly start: Date; readonly end?: Date };
  readonly change?: (root: Json) => unknown;
}

/** sigstore's `trusted_root.json`. */
export function makeTrustedRoot(options: RootOptions = {}): Buffer {
  const validFor = options.validFor ?? { start: new Date(0) };
  const authority = (chain: readonly TestCertificate[]) => ({
    subject: { organization: "test", commonName: "test" },
    uri: "https://ca.example.com",
    certChain: { certificates: chain.map(({ der }) => ({ rawBytes: base64(der) })) },
    validFor,
  });
  const log = (key: TestKey) => ({
    baseUrl: "https://rekor.example.com",
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: base64(spki(key)), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
    logId: { keyId: base64(sha256(spki(key))) },
  });
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: (options.logs ?? [logKey]).map(log),
    certificateAuthorities: (options.authorities ?? []).map(authority),
    ctlogs: (options.certificateLogs ?? []).map(log),
    timestampAuthorities: (options.timestampAuthorities ?? []).map(authority),
  };
  return Buffer.from(JSON.stringify(options.change?.(root) ?? root));
}
