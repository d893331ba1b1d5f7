import { KnownError } from "../../src/core/errors.ts";
import type { Claim, UntrustedSignature } from "../signature.ts";
import type { SimpleSigningVerifier } from "./verifier.ts";

/**
 * Whether `signature` is good, by the primary key of this fingerprint, and for exactly `claim`: signing again would add
 * nothing then.
 */
export async function isOwnSignature(
  verifier: SimpleSigningVerifier | Promise<SimpleSigningVerifier>,
  signature: UntrustedSignature,
  claim: Claim,
  fingerprint: string,
): Promise<boolean> {
  try {
    const { signedBy, claim: said } = await (await verifier).verify(signature);
    return (
      signedBy === fingerprint &&
      said.manifestDigest === claim.manifestDigest &&
      said.dockerReference === claim.dockerReference
    );
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}
