import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { SignatureError } from "../errors.ts";
import { formatPayload, parsePayload } from "../payload.ts";
import type { Claim, UntrustedSignature } from "../signature.ts";
import type { Signer } from "../signer.ts";
import { annotationKeys, signatureMediaType } from "./attachment.ts";
import { openKeyFile } from "./key-file.ts";
import { encodePem } from "./pem.ts";
import { keyIdOf, signatureFailure, spkiOf } from "./public-key.ts";
import type { LoggedSignature } from "./rekor-set.ts";

/** Where signatures are made public. */
export interface SignatureLog {
  /**
   * Adds one, and gives the log's promise: the annotation {@link annotationKeys.set}.
   *
   * @throws {SignatureError} `signature.cannot-sign`, `signature.bad-log-entry`
   */
  add(entry: LoggedSignature, signal: AbortSignal): Promise<string>;
}

/** A certificate for a key that was made for it. */
export interface SigningCertificate {
  /** PEM, as it was given. */
  readonly certificate: string;
  /** What leads to a root, PEM; may be empty. */
  readonly chain: string;
  readonly notAfter: Date;
}

/** What the signatures of a signer say besides, and where else they go. */
export interface SigningDetails {
  /** Program and version. */
  readonly creator: string;
  readonly now: () => Date;
  readonly log?: SignatureLog;
}

/** A key file, and what its signatures are to say of who made them. */
export interface SigstoreSignerOptions extends SigningDetails {
  /** The encrypted private key, PEM. */
  readonly keyFile: Uint8Array;
  /** May be empty. */
  readonly passphrase: Uint8Array;
}

/** How a key that nobody keeps comes to its certificate. */
export interface CertifiedSignerOptions extends SigningDetails {
  /** @throws {SignatureError} `signature.cannot-sign` */
  certify(privateKey: KeyObject, signal: AbortSignal): Promise<SigningCertificate>;
  readonly signal: AbortSignal;
}

/** What one signature is made with. */
interface SigningKey {
  readonly privateKey: KeyObject;
  readonly certificate?: SigningCertificate;
}

/** An authority's clock need not be ours. */
const marginMs = 10_000;

/**
 * Signs as `skopeo copy --sign-by-sigstore-private-key` does: a payload with the whole reference, tag included, its
 * signature in an annotation, no certificate; with a log, its promise in another.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function createSigstoreSigner(options: SigstoreSignerOptions): Promise<Signer> {
  const privateKey = await openOrSay(options);
  const publicKey = createPublicKey(privateKey);
  const { log } = options;
  return signerWith(keyIdOf(publicKey), options, async () => ({ privateKey }), {
    hasMade: async (signature, claim) =>
      isBy(publicKey, signature, claim) && (!log || isLogged(signature)),
  });
}

/**
 * Signs as `skopeo copy --sign-by-sigstore` does with Fulcio: by a key of its own that is forgotten afterwards, whose
 * certificate says who signs. Asks for one at once, and for another where that has run out: what is signed after its
 * certificate's time proves nothing.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function createCertifiedSigner(options: CertifiedSignerOptions): Promise<Signer> {
  const certified = async (signal: AbortSignal) => {
    // ECDSA on P-256 is what everybody verifies: cosign's SIGNATURE_SPEC.md, signature schemes.
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { privateKey, publicKey, certificate: await options.certify(privateKey, signal) };
  };
  let key = await certified(options.signal);
  const current = async (signal: AbortSignal) => {
    const { notAfter } = key.certificate;
    if (options.now().getTime() + marginMs >= notAfter.getTime()) key = await certified(signal);
    return key;
  };
  return signerWith(keyIdOf(key.publicKey), options, current, { hasMade: async () => false });
}

function signerWith(
  keyId: string,
  { creator, now, log }: SigningDetails,
  currentKey: (signal: AbortSignal) => Promise<SigningKey>,
  { hasMade }: Pick<Signer, "hasMade">,
): Signer {
  let isOpen = true;
  return {
    keyId,
    format: "sigstore",
    async sign(claim, { signal, optional }) {
      signal.throwIfAborted();
      if (!isOpen) throw bad("The signing key is closed");
      const payload = formatPayload(claim, "sigstore", {
        creator,
        signedAt: now(),
        ...(optional && { optional }),
      });
      return await signed(payload, await currentKey(signal), log, signal);
    },
    hasMade,
    async [Symbol.asyncDispose]() {
      isOpen = false;
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

async function signed(
  payload: Uint8Array,
  { privateKey, certificate }: SigningKey,
  log: SignatureLog | undefined,
  signal: AbortSignal,
): Promise<UntrustedSignature> {
  const hash = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(hash, payload, privateKey).toString("base64");
  const keyOrCertificate =
    certificate?.certificate ?? encodePem("PUBLIC KEY", spkiOf(createPublicKey(privateKey)));
  const set = await log?.add({ payload, signature, keyOrCertificate }, signal);
  const annotations = {
    [annotationKeys.signature]: signature,
    ...(certificate && { [annotationKeys.certificate]: certificate.certificate }),
    ...(certificate && { [annotationKeys.chain]: certificate.chain }),
    ...(set !== undefined && { [annotationKeys.set]: set }),
  };
  return { format: "sigstore", mediaType: signatureMediaType, payload, annotations };
}

/** One that is only half of what was asked for is made again. */
function isLogged(signature: UntrustedSignature): boolean {
  return signature.format === "sigstore" && annotationKeys.set in signature.annotations;
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
