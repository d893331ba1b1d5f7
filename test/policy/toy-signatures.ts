import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { SignatureError } from "../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type {
  SignatureDescription,
  SignatureVerifier,
  VerifiedSignature,
  Verifiers,
} from "../../sigstore/verifiers.ts";
import { parseDigest } from "../../src/core/digest.ts";

/** A key pair that really signs, in a format as small as can be: the policy does not care which. */
export interface ToyKey {
  readonly name: string;
  readonly privateKey: KeyObject;
  /** What stands in a key file. */
  readonly file: Uint8Array;
}

interface KeyFile {
  readonly name: string;
  readonly pem: string;
  readonly revoked?: boolean;
  readonly expires?: string;
}

interface Envelope {
  readonly key: string;
  readonly payload: string;
  readonly signature: string;
}

export function createToyKey(
  name: string,
  marks: { readonly revoked?: boolean; readonly expires?: string } = {},
): ToyKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = publicKey.export({ type: "spki", format: "pem" });
  return { name, privateKey, file: Buffer.from(JSON.stringify({ name, pem, ...marks })) };
}

/** What is signed; anything else than a text and a digest is no claim. */
export interface ToyClaim {
  readonly digest?: unknown;
  readonly reference?: string;
}

export function toySignature(
  key: ToyKey,
  claim: ToyClaim | string,
  as: "simple-signing" | "sigstore" | "attachment" = "simple-signing",
): UntrustedSignature {
  const payload = typeof claim === "string" ? claim : JSON.stringify(claim);
  const signature = sign(null, Buffer.from(payload), key.privateKey).toString("base64");
  const envelope: Envelope = { key: key.name, payload, signature };
  const bytes = Buffer.from(JSON.stringify(envelope));
  if (as === "simple-signing") return { format: as, bytes };
  const mediaType =
    as === "sigstore"
      ? "application/vnd.dev.cosign.simplesigning.v1+json"
      : "application/vnd.dsse.envelope.v1+json";
  return { format: "sigstore", mediaType, payload: bytes, annotations: {} };
}

/** The signature with one bit of what it signs changed. */
export function tampered(signature: UntrustedSignature): UntrustedSignature {
  if (signature.format !== "simple-signing")
    throw new Error("only simple signing is tampered with");
  const envelope = JSON.parse(Buffer.from(signature.bytes).toString()) as Envelope;
  const payload = envelope.payload.replace("sha256:", "sha256: ");
  return { ...signature, bytes: Buffer.from(JSON.stringify({ ...envelope, payload })) };
}

/** Verifiers of {@link toySignature}s at a time. */
export function createToyVerifiers(now: Date): Verifiers {
  const verifierOf = (files: readonly Uint8Array[]): SignatureVerifier => {
    const keys = files.flatMap(keyOf);
    if (keys.length === 0)
      throw new SignatureError("signature.bad-trust", "No public keys imported");
    return { verify: async (signature) => verifyToy(signature, keys, now) };
  };
  return {
    simpleSigning: async (keys) => verifierOf(keys),
    sigstore: async ({ identity }) =>
      verifierOf(
        identity.type === "keys"
          ? identity.keys
          : [identity.type === "fulcio" ? identity.ca : identity.caRoots],
      ),
    bundles: async () => {
      throw new SignatureError("signature.bad-trust", "toys are not kept in bundles");
    },
    describe: async (signature) => describe(signature),
  };
}

function keyOf(file: Uint8Array): KeyFile[] {
  try {
    return [JSON.parse(Buffer.from(file).toString()) as KeyFile];
  } catch {
    return [];
  }
}

function verifyToy(
  untrusted: UntrustedSignature,
  keys: readonly KeyFile[],
  now: Date,
): VerifiedSignature {
  const { key: name, payload, signature } = envelopeOf(untrusted);
  const key = keys.find((each) => each.name === name);
  if (!key)
    throw new SignatureError("signature.unknown-key", `Invalid GPG signature: no key ${name}`);
  if (!verify(null, Buffer.from(payload), key.pem, Buffer.from(signature, "base64")))
    throw new SignatureError("signature.bad", "Invalid GPG signature: bad signature");
  if (key.revoked)
    throw new SignatureError(
      "signature.revoked-key",
      `Invalid GPG signature: key ${name} is revoked`,
    );
  if (key.expires !== undefined && now >= new Date(key.expires))
    throw new SignatureError("signature.expired-key", `Invalid GPG signature: key ${name} expired`);
  const { digest, reference } = claimOf(payload);
  return {
    claim: {
      manifestDigest: parseDigest(String(digest)),
      ...(reference !== undefined && { dockerReference: reference }),
    },
    signedBy: name,
    ...(key.expires !== undefined && { validUntil: new Date(key.expires) }),
  };
}

function claimOf(payload: string): ToyClaim {
  try {
    return JSON.parse(payload) as ToyClaim;
  } catch {
    throw new SignatureError("signature.bad-payload", "unexpected end of JSON input");
  }
}

function envelopeOf(signature: UntrustedSignature): Envelope {
  const bytes = signature.format === "sigstore" ? signature.payload : signature.bytes;
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Envelope;
  } catch (error) {
    throw new SignatureError("signature.malformed", "not a signature", { cause: error });
  }
}

function describe(signature: UntrustedSignature): SignatureDescription {
  try {
    const { key, payload } = envelopeOf(signature);
    const { digest, reference } = claimOf(payload);
    return {
      format: signature.format,
      keyId: key,
      manifestDigest: String(digest),
      ...(reference !== undefined && { dockerReference: reference }),
    };
  } catch {
    return { format: signature.format };
  }
}
