import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { SignatureError } from "../errors.ts";
import { formatPayload, parsePayload } from "../payload.ts";
import type { Claim, UntrustedSignature } from "../signature.ts";
import type { Signer } from "../signer.ts";
import { annotationKeys, signatureMediaType } from "./attachment.ts";
import { openKeyFile } from "./key-file.ts";
import { keyIdOf, signatureFailure } from "./public-key.ts";

/** A key file, and what its signatures are to say of who made them. */
export interface SigstoreSignerOptions {
  /** The encrypted private key, PEM. */
  readonly keyFile: Uint8Array;
  /** May be empty. */
  readonly passphrase: Uint8Array;
  /** Program and version. */
  readonly creator: string;
  readonly now: () => Date;
}

/**
 * Signs as `skopeo copy --sign-by-sigstore-private-key` does: a payload with the whole reference, tag included, its
 * signature in an annotation, no log, no certificate.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function createSigstoreSigner(options: SigstoreSignerOptions): Promise<Signer> {
  const privateKey = await openOrSay(options);
  const publicKey = createPublicKey(privateKey);
  let open: KeyObject | undefined = privateKey;
  return {
    keyId: keyIdOf(publicKey),
    format: "sigstore",
    async sign(claim, { signal, optional }) {
      signal.throwIfAborted();
      if (!open) throw bad("The signing key is closed");
      const { creator, now } = options;
      const payload = formatPayload(claim, "sigstore", {
        creator,
        signedAt: now(),
        ...(optional && { optional }),
      });
      return signed(payload, open);
    },
    hasMade: async (signature, claim) => isBy(publicKey, signature, claim),
    async [Symbol.asyncDispose]() {
      open = undefined;
    },
  };
}

async function openOrSay({ keyFile, passphrase }: SigstoreSignerOptions): Promise<KeyObject> {
  try {
    return await openKeyFile(keyFile, passphrase);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw bad(`initializing private key: ${error.message}`, error);
  }
}

function signed(payload: Uint8Array, key: KeyObject): UntrustedSignature {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(hash, payload, key).toString("base64");
  const annotations = { [annotationKeys.signature]: signature };
  return { format: "sigstore", mediaType: signatureMediaType, payload, annotations };
}

function isBy(key: KeyObject, signature: UntrustedSignature, claim: Claim): boolean {
  if (signature.format !== "sigstore" || signature.mediaType !== signatureMediaType) return false;
  const text = signature.annotations[annotationKeys.signature];
  if (text === undefined) return false;
  try {
    if (signatureFailure(key, signature.payload, decodeGoBase64(text)) !== undefined) return false;
    const { manifestDigest, dockerReference } = parsePayload(signature.payload, "sigstore");
    return manifestDigest === claim.manifestDigest && dockerReference === claim.dockerReference;
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
