import { createHash } from "node:crypto";
import type { UntrustedSignature } from "./signature.ts";
import type { SimpleSigningOptions } from "./simple-signing/verifier.ts";
import type { SignatureDescription, SignatureVerifier, Verifiers } from "./verifiers.ts";

/** How many sets of keys are kept parsed: a policy has a handful, a server that rereads its files has old ones too. */
const maxKept = 64;

/**
 * Verifiers of all kinds. What one kind needs is loaded when it is first asked for; the same keys are parsed once.
 */
export function createVerifiers(options: SimpleSigningOptions): Verifiers {
  const kept = new Map<string, Promise<SignatureVerifier>>();
  return {
    simpleSigning: (keys) =>
      remembered(kept, hashOf(keys), async () => {
        const { createSimpleSigningVerifier } = await import("./simple-signing/verifier.ts");
        return createSimpleSigningVerifier(keys, options);
      }),
    sigstore: (trust) =>
      remembered(kept, hashOf([Buffer.from(JSON.stringify(trust, asText))]), async () => {
        const { createSigstoreVerifier } = await import("./cosign/verifier.ts");
        return createSigstoreVerifier(trust, options);
      }),
    async bundles(trust) {
      const { prepareBundleTrust } = await import("./cosign/bundle-trust.ts");
      const { verifyBundle } = await import("./cosign/bundle.ts");
      const prepared = await prepareBundleTrust(trust);
      return {
        verify: (bundle, manifestDigest) =>
          verifyBundle(bundle, prepared, { manifestDigest, now: options.now() }),
      };
    },
    describe,
  };
}

/** Bytes in JSON, which has none. */
function asText(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function remembered<T>(
  kept: Map<string, Promise<T>>,
  name: string,
  make: () => Promise<T>,
): Promise<T> {
  const known = kept.get(name);
  if (known) return known;
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= maxKept) kept.delete(oldest);
  const made = make();
  kept.set(name, made);
  // What fails now may not fail later: a key from the future.
  made.catch(() => kept.delete(name));
  return made;
}

/** Of the bytes and where one ends and the next begins. */
function hashOf(keys: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const key of keys) hash.update(`${key.length}:`).update(key);
  return hash.digest("hex");
}

async function describe(signature: UntrustedSignature): Promise<SignatureDescription> {
  if (signature.format === "sigstore") {
    const { describeSigstore } = await import("./cosign/describe.ts");
    return describeSigstore(signature);
  }
  const { describeSimpleSignature } = await import("./simple-signing/describe.ts");
  return describeSimpleSignature(signature.bytes);
}
