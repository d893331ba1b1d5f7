import { formatPayload } from "../../../sigstore/payload.ts";
import { createSimpleSigningVerifier } from "../../../sigstore/simple-signing/verifier.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { KnownError } from "../../../src/core/errors.ts";

/** What every signature here claims. */
export const claim = {
  manifestDigest: digestOf(Buffer.from("{}")),
  dockerReference: "registry.example/a/b:c",
};

/** As the bytes that are signed. */
export const payload = formatPayload(claim, "simple-signing", {
  creator: "test 1",
  signedAt: new Date(1_700_000_000_000),
});

/** `accepted`, or the code of the error; anything unforeseen is thrown. */
export async function verdict(
  keys: readonly Uint8Array[],
  bytes: Uint8Array,
  now = new Date(),
): Promise<string> {
  try {
    const verifier = createSimpleSigningVerifier(keys, { now: () => now });
    await verifier.verify({ format: "simple-signing", bytes });
    return "accepted";
  } catch (error) {
    if (error instanceof KnownError) return error.code;
    throw error;
  }
}

/** The message of the error, or `accepted`. */
export async function reason(keys: readonly Uint8Array[], bytes: Uint8Array): Promise<string> {
  try {
    const verifier = createSimpleSigningVerifier(keys, { now: () => new Date() });
    await verifier.verify({ format: "simple-signing", bytes });
    return "accepted";
  } catch (error) {
    if (error instanceof KnownError) return error.message;
    throw error;
  }
}
