import type { CertificateIdentity } from "../sigstore/cosign/certificate-identity.ts";
import { WholePattern } from "../sigstore/cosign/whole-pattern.ts";
import { SignatureError } from "../sigstore/errors.ts";
import type { BundleVerifier, SignatureVerifier, SigstoreTrust } from "../sigstore/verifiers.ts";
import { KnownError } from "../src/core/errors.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { PolicyContext, ReadKeyFile } from "./context.ts";
import type { BundleIdentity, BundleRequirement } from "./overlay.ts";
import type { KeySource, PolicyRequirement, SigstoreIdentity } from "./policy.ts";

/** A requirement that needs a signature. */
export type SignedRequirement = Extract<
  PolicyRequirement,
  { readonly type: "signedBy" | "sigstoreSigned" }
>;

/**
 * Reads the keys that a requirement trusts and makes a verifier of them. One unreadable file is enough to fail, also
 * where another key would have done (`specs/signing.md` 1.5, 4.3).
 *
 * @throws {SignatureError} `signature.bad-trust`, in the reference's words
 */
export async function loadTrust(
  requirement: SignedRequirement,
  { verifiers, readKeyFile }: Pick<PolicyContext, "verifiers" | "readKeyFile">,
): Promise<SignatureVerifier> {
  if (requirement.type === "sigstoreSigned") {
    return await verifiers.sigstore(await sigstoreTrust(requirement, readKeyFile));
  }
  const { keyType, keys } = requirement;
  if (keyType !== "GPGKeys") throw badTrust(`Unimplemented "keyType" value ${goQuote(keyType)}`);
  return await verifiers.simpleSigning(await readKeys(keys, readKeyFile));
}

/**
 * Reads what a requirement of an overlay trusts.
 *
 * @throws {SignatureError} `signature.bad-trust`
 */
export async function loadBundleTrust(
  { signers, trustedRoot }: BundleRequirement,
  { verifiers, readKeyFile }: Pick<PolicyContext, "verifiers" | "readKeyFile">,
): Promise<BundleVerifier> {
  return await verifiers.bundles({
    signers:
      signers.type === "keys"
        ? { type: "keys", keys: await readKeys(signers.keys, readKeyFile) }
        : { type: "certificates", identities: signers.identities.map(identityOf) },
    ...(trustedRoot && { trustedRoot: await readOne(trustedRoot, readKeyFile) }),
  });
}

function identityOf({ issuer, subject }: BundleIdentity): CertificateIdentity {
  return {
    issuer: "is" in issuer ? issuer.is : new WholePattern(issuer.pattern),
    subject: "pattern" in subject ? { pattern: new WholePattern(subject.pattern) } : subject,
  };
}

/** {@link loadTrust} when the first signature asks for it, and not again: what failed once fails for each of them. */
export function trustOnce(
  requirement: SignedRequirement,
  context: Pick<PolicyContext, "verifiers" | "readKeyFile">,
): () => Promise<SignatureVerifier> {
  let loaded: Promise<SignatureVerifier> | undefined;
  return () => {
    loaded ??= loadTrust(requirement, context);
    return loaded;
  };
}

async function sigstoreTrust(
  { identity, rekorKeys }: Extract<SignedRequirement, { readonly type: "sigstoreSigned" }>,
  read: ReadKeyFile,
): Promise<SigstoreTrust> {
  const trusted = await readIdentity(identity, read);
  return {
    identity: trusted,
    ...(rekorKeys && { rekorKeys: await readKeys(rekorKeys, read) }),
  };
}

async function readIdentity(
  identity: SigstoreIdentity,
  read: ReadKeyFile,
): Promise<SigstoreTrust["identity"]> {
  switch (identity.type) {
    case "keys":
      return { type: "keys", keys: await readKeys(identity.keys, read) };
    case "fulcio":
      return { ...identity, ca: await readOne(identity.ca, read) };
    case "pki": {
      const { caRoots, caIntermediates, ...rest } = identity;
      return {
        ...rest,
        caRoots: await readOne(caRoots, read),
        ...(caIntermediates && { caIntermediates: await readOne(caIntermediates, read) }),
      };
    }
  }
}

async function readOne(source: KeySource, read: ReadKeyFile): Promise<Uint8Array> {
  const [bytes = new Uint8Array()] = await readKeys(source, read);
  return bytes;
}

async function readKeys(source: KeySource, read: ReadKeyFile): Promise<readonly Uint8Array[]> {
  if ("data" in source) return source.data;
  const keys: Uint8Array[] = [];
  for (const path of source.paths) keys.push(await readFile(path, read));
  return keys;
}

async function readFile(path: string, read: ReadKeyFile): Promise<Uint8Array> {
  try {
    return await read(path);
  } catch (error) {
    if (error instanceof KnownError) throw badTrust(error.message, error);
    const errno = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (errno === undefined) throw error;
    throw badTrust(`open ${path}: ${errno}`, error);
  }
}

function badTrust(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-trust", message, { cause });
}
