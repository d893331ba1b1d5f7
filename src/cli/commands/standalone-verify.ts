import { SignatureError } from "../../../sigstore/errors.ts";
import { describeSimpleSignature } from "../../../sigstore/simple-signing/describe.ts";
import { parseSignedMessage } from "../../../sigstore/simple-signing/openpgp/message.ts";
import {
  createSimpleSigningVerifier,
  type VerifiedSimpleSignature,
} from "../../../sigstore/simple-signing/verifier.ts";
import type { Digest } from "../../core/digest.ts";
import { formatDockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { manifestDigest } from "../../core/manifest.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { exportKeys } from "../trust/gpg-keyring.ts";
import { readNamed } from "../trust/named-file.ts";

/** `standalone-verify MANIFEST REFERENCE FINGERPRINTS SIGNATURE`: one signature over one manifest, from files. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, terminal } = context;
  const [manifestPath, reference, fingerprints, signaturePath] = args;
  if (
    manifestPath === undefined ||
    reference === undefined ||
    fingerprints === undefined ||
    signaturePath === undefined ||
    args.length !== 4
  ) {
    throw bad(
      "Usage: skopeo standalone-verify manifest docker-reference key-fingerprint signature",
    );
  }
  const keyFile = flags.string("public-key-file");
  if (keyFile === "" && fingerprints === "any")
    throw bad("Cannot use any fingerprint without a public key file");
  const manifest = readNamed(manifestPath, `Error reading manifest from ${manifestPath}`);
  const signature = readNamed(signaturePath, `Error reading signature from ${signaturePath}`);
  const keys =
    keyFile === ""
      ? await ownKeys(context, signature)
      : readNamed(keyFile, `Error reading public keys from ${keyFile}`);
  const { matched, digest } = await withPrefix("Error verifying signature", async () => {
    const wanted = spelledOut(reference);
    const verified = await verify(signature, keys);
    const matched = fingerprints === "any" ? verified.signedBy : keyOf(verified, fingerprints);
    const { manifestDigest: digest, dockerReference = "" } = verified.claim;
    checkDigest(manifest, digest);
    checkReference(dockerReference, { given: reference, wanted });
    return { matched, digest };
  });
  await terminal.out(`Signature verified using fingerprint ${matched}, digest ${digest}\n`);
}

/** The key that the signature says it was made by, from the user's keyring; undefined where that has no such key. */
async function ownKeys(
  context: CommandContext,
  signature: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { environment } = await context.parts();
  const { keyId } = describeSimpleSignature(signature);
  const keys = await exportKeys(keyId, {
    variables: environment.variables,
    signal: context.signal,
  });
  return keys.length === 0 ? undefined : keys;
}

async function verify(
  bytes: Uint8Array,
  keys: Uint8Array | undefined,
): Promise<VerifiedSimpleSignature> {
  if (!keys) throw unknownKey(bytes);
  const verifier = createSimpleSigningVerifier([keys], { now: () => new Date() });
  return await verifier.verify({ format: "simple-signing", bytes });
}

/** @throws {SignatureError} `signature.malformed` for what no key could have made */
function unknownKey(bytes: Uint8Array): SignatureError {
  parseSignedMessage(bytes);
  const { keyId = "unknown" } = describeSimpleSignature(bytes);
  return new SignatureError(
    "signature.unknown-key",
    `Invalid GPG signature: made by key ${keyId}, which is not in the keyring`,
    { hint: "Import the key into GnuPG's keyring, or name it with --public-key-file" },
  );
}

/** Which of the listed keys made it; the subkey itself or the primary key above it may be listed. */
function keyOf(
  { keyFingerprint, signedBy }: VerifiedSimpleSignature,
  fingerprints: string,
): string {
  const listed = fingerprints.split(",");
  const matched = [keyFingerprint, signedBy].find((fingerprint) => listed.includes(fingerprint));
  if (matched !== undefined) return matched;
  throw new SignatureError(
    "signature.unknown-key",
    `signature by key ${keyFingerprint} of ${signedBy} is not accepted`,
    { hint: "List the full fingerprint in upper case" },
  );
}

function checkDigest(manifest: Uint8Array, claimed: Digest): void {
  if (manifestDigest(manifest) === claimed) return;
  throw new SignatureError(
    "signature.bad-payload",
    `Signature for docker digest ${goQuote(claimed)} does not match`,
  );
}

function checkReference(
  claimed: string,
  { given, wanted }: { readonly given: string; readonly wanted: string },
): void {
  const signed = attempt(() => spelledOut(claimed));
  if (signed === wanted) return;
  throw new SignatureError(
    "signature.bad-payload",
    signed === undefined
      ? `Invalid docker reference ${goQuote(claimed)} in signature`
      : `Docker reference ${goQuote(claimed)} does not match ${goQuote(given)}`,
  );
}

function spelledOut(reference: string): string {
  return formatDockerReference(parseDockerReference(reference));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
