import { createHash } from "node:crypto";

type Json = Record<string, unknown>;

/** What a log is told of one signature. */
export interface LoggedSignature {
  readonly payload: Uint8Array;
  /** What is signed: the payload with DSSE's head. */
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM of a certificate or of a public key. */
  readonly verifier: string;
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const hashOf = (bytes: Uint8Array) => ({
  algorithm: "sha256",
  value: sha256(bytes).toString("hex"),
});
const digestOf = (bytes: Uint8Array) => ({
  algorithm: "SHA2_256",
  digest: base64(sha256(bytes)),
});

/** Rekor 2 has DER where Rekor 1 has PEM, and says which it is. */
function verifierOf(pem: string): Json {
  const rawBytes = pem.replace(/-----[^-]+-----|\s/g, "");
  const kind = pem.includes("CERTIFICATE") ? "x509Certificate" : "publicKey";
  return { [kind]: { rawBytes }, keyDetails: "PKIX_ECDSA_P256_SHA_256" };
}

/** The part `spec` of each kind and version of entry, as Rekor 1 and 2 write it. */
export const logSpecs = {
  "dsse 0.0.1": ({ payload, signature, verifier }: LoggedSignature): Json => ({
    payloadHash: hashOf(payload),
    signatures: [{ signature: base64(signature), verifier: base64(verifier) }],
  }),
  "hashedrekord 0.0.1": ({ data, signature, verifier }: LoggedSignature): Json => ({
    data: { hash: hashOf(data) },
    signature: { content: base64(signature), publicKey: { content: base64(verifier) } },
  }),
  "intoto 0.0.2": ({ payload, signature, verifier }: LoggedSignature): Json => ({
    content: {
      envelope: {
        payloadType: "application/vnd.in-toto+json",
        signatures: [{ sig: base64(base64(signature)), publicKey: base64(verifier) }],
      },
      payloadHash: hashOf(payload),
    },
  }),
  "dsse 0.0.2": ({ payload, signature, verifier }: LoggedSignature): Json => ({
    dsseV002: {
      payloadHash: digestOf(payload),
      signatures: [{ content: base64(signature), verifier: verifierOf(verifier) }],
    },
  }),
  "hashedrekord 0.0.2": ({ data, signature, verifier }: LoggedSignature): Json => ({
    hashedRekordV002: {
      data: digestOf(data),
      signature: { content: base64(signature), verifier: verifierOf(verifier) },
    },
  }),
} as const;

export type LogKind = keyof typeof logSpecs;

/** The body of an entry, before it is written as canonical JSON. */
export function logBody(name: LogKind, signature: LoggedSignature): Json {
  const [kind, apiVersion] = name.split(" ");
  return { apiVersion, kind, spec: logSpecs[name](signature) };
}
