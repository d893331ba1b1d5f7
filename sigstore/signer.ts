import type { Claim, UntrustedSignature } from "./signature.ts";

/** How one signature is made. */
export interface SignOptions {
  readonly signal: AbortSignal;
  /** More members of the payload's `optional`, which every reader lets pass: what the claim is founded on. */
  readonly optional?: Readonly<Record<string, string>>;
}

/** Holds one private key for the length of a run. */
export interface Signer extends AsyncDisposable {
  /** For logs: a fingerprint or key id, never key material. */
  readonly keyId: string;
  readonly format: UntrustedSignature["format"];
  /** @throws {SignatureError} `signature.cannot-sign` */
  sign(claim: Claim, options: SignOptions): Promise<UntrustedSignature>;
  /**
   * Whether `signature` is already this key's for exactly `claim`, so that signing again would add nothing.
   *
   * @throws {SignatureError} `signature.cannot-sign` where it is, and the passphrase given would not unlock the key
   */
  hasMade(signature: UntrustedSignature, claim: Claim): Promise<boolean>;
}
