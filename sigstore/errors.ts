import { KnownError } from "../src/core/errors.ts";

/** What can be wrong with a signature, with the keys it is checked against, or with the key that is to sign. */
export type SignatureErrorCode =
  /** Not a signature of this kind at all. */
  | "signature.malformed"
  /** Well formed, and not made by the key it names. */
  | "signature.bad"
  | "signature.expired"
  | "signature.expired-key"
  | "signature.revoked-key"
  /** Made by a key that is not among those trusted. */
  | "signature.unknown-key"
  /** Made by a method that is not strong enough. */
  | "signature.weak"
  /** Verified, and what it says is not a claim about an image. */
  | "signature.bad-payload"
  /** The certificate, its chain or its identity is not the trusted one. */
  | "signature.bad-certificate"
  /** The transparency log's promise is missing or does not hold. */
  | "signature.bad-log-entry"
  /** The keys, certificates or logs to trust cannot be read. */
  | "signature.bad-trust"
  /** The signing key cannot be used. */
  | "signature.cannot-sign"
  /** A place of signatures cannot be read or written. */
  | "signature.store-failed"
  | "signature.store-limit";

/** A signature that proves nothing, or one that cannot be made or kept. */
export class SignatureError extends KnownError<SignatureErrorCode> {}
