import type { Digest } from "../src/core/digest.ts";
import type { BundleTrust } from "./cosign/bundle-trust.ts";
import type { Claim, UntrustedSignature } from "./signature.ts";

/** What a signature proves once it is verified. */
export interface VerifiedSignature {
  readonly claim: Claim;
  /** Who signed, for logs: an OpenPGP fingerprint, the digest of a public key, the identity in a certificate. */
  readonly signedBy: string;
  readonly signedAt?: Date;
  /** When this has to be verified anew: the key, the certificate or the signature ends then. */
  readonly validUntil?: Date;
}

/** Keys or identities to trust, read once; any number of signatures are verified against them. */
export interface SignatureVerifier {
  /** @throws {SignatureError} why this signature proves nothing, in the reference's words where it has some */
  verify(signature: UntrustedSignature): Promise<VerifiedSignature>;
}

/** Whom a `sigstoreSigned` requirement trusts, its files read — containers-policy.json(5) § sigstoreSigned. */
export interface SigstoreTrust {
  readonly identity:
    | { readonly type: "keys"; readonly keys: readonly Uint8Array[] }
    | {
        readonly type: "fulcio";
        readonly ca: Uint8Array;
        readonly oidcIssuer: string;
        readonly subjectEmail: string;
      }
    | {
        readonly type: "pki";
        readonly caRoots: Uint8Array;
        readonly caIntermediates?: Uint8Array;
        readonly subjectEmail?: string;
        readonly subjectHostname?: string;
      };
  /** PEM; absent where the requirement names no log. */
  readonly rekorKeys?: readonly Uint8Array[];
}

/** What a signature says of itself before anybody has verified it: for explanations only. */
export interface SignatureDescription {
  readonly format: UntrustedSignature["format"];
  /** The key it says it was made by. */
  readonly keyId?: string;
  readonly dockerReference?: string;
  readonly manifestDigest?: string;
  readonly signedAt?: Date;
}

/** Keys or certificates to trust, read once; any number of bundles are verified against them. */
export interface BundleVerifier {
  /** @throws {SignatureError} why this bundle proves nothing of `manifest` */
  verify(bundle: Uint8Array, manifest: Digest): Promise<VerifiedSignature>;
}

/** Makes verifiers; the same keys are parsed once a run. */
export interface Verifiers {
  /**
   * @param keys OpenPGP keys, armoured or binary, any number in each
   * @throws {SignatureError} `signature.bad-trust`, such as `No public keys imported`
   */
  simpleSigning(keys: readonly Uint8Array[]): Promise<SignatureVerifier>;
  /** @throws {SignatureError} `signature.bad-trust` */
  sigstore(trust: SigstoreTrust): Promise<SignatureVerifier>;
  /** @throws {SignatureError} `signature.bad-trust` */
  bundles(trust: BundleTrust): Promise<BundleVerifier>;
  /** Never throws: what cannot be told is absent. */
  describe(signature: UntrustedSignature): Promise<SignatureDescription>;
}
