import { SignatureError } from "../errors.ts";

/** What a signer needs besides its key. */
export interface SigningOptions {
  /** Unlocks the key; without it GnuPG's agent asks the user, and a protected key file cannot be used. */
  readonly passphrase?: string;
  /** Program and version, for the payload: `amphora 1.0.0`. */
  readonly creator: string;
  readonly now: () => Date;
}

/** @throws {SignatureError} `signature.cannot-sign` where it could not be handed on */
export function checkPassphrase(passphrase: string | undefined): void {
  if (passphrase?.includes("\n")) {
    throw cannotSign("invalid passphrase: must not contain a line break");
  }
}

/** A key that does not sign, and why. */
export function cannotSign(message: string, cause?: unknown, hint?: string): SignatureError {
  const options = { ...(cause !== undefined && { cause }), ...(hint !== undefined && { hint }) };
  return new SignatureError("signature.cannot-sign", message, options);
}
