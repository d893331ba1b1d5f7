import type { Digest } from "../src/core/digest.ts";

/** A signature as found: nothing in it may be believed before it is verified. */
export type UntrustedSignature =
  | { readonly format: "simple-signing"; readonly bytes: Uint8Array }
  | {
      readonly format: "sigstore";
      readonly mediaType: string;
      readonly payload: Uint8Array;
      readonly annotations: Readonly<Record<string, string>>;
    };

/** What a verified signature says: this manifest may go by this name. */
export interface Claim {
  readonly manifestDigest: Digest;
  /** Unparsed, as signed; bundles carry none. */
  readonly dockerReference?: string;
}

/** What signatures are filed under. */
export interface SignedSubject {
  /** `registry/path`, without tag or digest. */
  readonly repository: string;
  readonly manifestDigest: Digest;
}
