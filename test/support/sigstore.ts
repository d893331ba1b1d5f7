import { createHash, sign } from "node:crypto";
import {
  annotationKeys,
  type SigstoreSignature,
  signatureMediaType,
} from "../../sigstore/cosign/attachment.ts";
import { type TestKey, testTime } from "./certificates.ts";

/** What containers/image would have signed. */
export function payloadFor(
  digest: string,
  reference: string,
  change: Readonly<Record<string, unknown>> = {},
): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": reference },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: { creator: "test", timestamp: 1_700_000_000 },
      ...change,
    }),
  );
}

/** Base64 of the signature over `payload`, as cosign makes it with this kind of key. */
export function signPayload(payload: Uint8Array, { privateKey }: TestKey): string {
  const hash = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return sign(hash, payload, privateKey).toString("base64");
}

export function signatureBy(
  key: TestKey,
  payload: Uint8Array,
  annotations: Readonly<Record<string, string>> = {},
): SigstoreSignature {
  return {
    format: "sigstore",
    mediaType: signatureMediaType,
    payload,
    annotations: { [annotationKeys.signature]: signPayload(payload, key), ...annotations },
  };
}

/** When logs of tests have logged: seconds since the epoch, an hour before {@link testTime}. */
export const loggedAt = testTime.getTime() / 1000 - 3600;

/** What a log entry is to say; everything may be wrong. */
export interface SetOptions {
  readonly rekor: TestKey;
  readonly payload: Uint8Array;
  /** Base64. */
  readonly signature: string;
  /** PEM of the public key or the certificate. */
  readonly publicKey: string;
  readonly integratedTime?: unknown;
  /** Changes the entry's body before it is encoded. */
  readonly body?: (entry: HashedRekordBody) => unknown;
  /** Changes what is signed. */
  readonly signed?: (payload: Record<string, unknown>) => Record<string, unknown>;
  /** Changes the finished document, behind the log's back. */
  readonly after?: (set: RekorSet) => unknown;
}

export interface HashedRekordBody {
  apiVersion: unknown;
  kind: unknown;
  spec: {
    data: { hash: Record<string, unknown> };
    signature: { content: unknown; publicKey: Record<string, unknown> };
  };
}

export interface RekorSet {
  SignedEntryTimestamp: string;
  Payload: Record<string, unknown>;
}

/** The annotation {@link annotationKeys.set}, of a log of one's own. */
export function makeSet(options: SetOptions): string {
  const entry: HashedRekordBody = {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: {
        hash: {
          algorithm: "sha256",
          value: createHash("sha256").update(options.payload).digest("hex"),
        },
      },
      signature: {
        content: options.signature,
        publicKey: { content: Buffer.from(options.publicKey).toString("base64") },
      },
    },
  };
  const body = options.body ? options.body(entry) : entry;
  const plain: Record<string, unknown> = {
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)).toString("base64"),
    integratedTime: options.integratedTime ?? loggedAt,
    logIndex: 7,
    logID: "c0ffee",
  };
  const payload = options.signed?.(plain) ?? plain;
  const set: RekorSet = { SignedEntryTimestamp: signSet(payload, options.rekor), Payload: payload };
  const final = options.after?.(set) ?? set;
  return typeof final === "string" ? final : JSON.stringify(final);
}

/** Signs the canonical form of a flat object. */
export function signSet(
  payload: Readonly<Record<string, unknown>>,
  { privateKey }: TestKey,
): string {
  const canonical = JSON.stringify(
    Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return sign("sha256", Buffer.from(canonical), privateKey).toString("base64");
}
