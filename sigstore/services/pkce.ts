import { hash, randomBytes } from "node:crypto";

/** A secret that only whoever began may end with — RFC 7636 § 4. */
export interface Pkce {
  readonly verifier: string;
  /** What is told of it at first; by `S256`. */
  readonly challenge: string;
}

/** A new one. */
export function makePkce(): Pkce {
  const verifier = randomBytes(48).toString("base64url");
  return { verifier, challenge: hash("sha256", verifier, "base64url") };
}
