import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { SignatureError } from "../errors.ts";

/** What an issuer of identities says of somebody, as it is handed on. */
export interface IdToken {
  readonly text: string;
  /** Whom it is about: an address that the issuer has verified, or its own name for them. */
  readonly subject: string;
}

/** What a token says. Nobody has checked it. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/**
 * A token that the user brings. Who signed it is not looked at: whoever is to believe it does that.
 *
 * @throws {SignatureError} `signature.cannot-sign`: `parsing OIDC token: …`
 */
export function parseIdToken(text: string): IdToken {
  try {
    return { text, subject: subjectOf(claimsOf(text)) };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`parsing OIDC token: ${error.message}`, error);
  }
}

/** @throws {SignatureError} `signature.cannot-sign` where it is no JWS of three parts around a JSON object */
export function claimsOf(text: string): TokenClaims {
  const parts = text.split(".");
  if (parts.length !== 3) {
    throw bad("go-jose/go-jose: compact JWS format must have three parts");
  }
  const [, claims] = parts.map(decoded);
  try {
    const value: unknown = JSON.parse(Buffer.from(claims ?? new Uint8Array()).toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw bad("its claims are no JSON", cause);
  }
  throw bad("its claims are no JSON object");
}

/** URL-safe and without padding, as Go's decoder takes it. */
function decoded(part: string): Uint8Array {
  const standard = part.replace(/-/g, "+").replace(/_/g, "/");
  return decodeGoBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
}

/** @throws {SignatureError} `signature.cannot-sign` */
export function subjectOf({ email, email_verified: verified, sub }: TokenClaims): string {
  if (typeof email === "string" && email !== "") {
    if (verified === true || verified === "true") return email;
    throw bad("not verified by identity provider");
  }
  if (typeof sub === "string" && sub !== "") return sub;
  throw bad("no subject found in claims");
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
