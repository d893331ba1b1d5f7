import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { pool } from "../../stream/pool.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import { signedDigest } from "../signed-digest.ts";
import { digestsToSign, type SignedPart } from "./digests-to-sign.ts";
import { base64, encodeSignature, type SignRequest } from "./messages.ts";

/** What is asked of the signer, before the server has looked for what it needs to know. */
export interface ToBeSigned {
  readonly why: SignRequest["why"];
  readonly repository: ServedRepository;
  readonly manifest: RawManifest;
  readonly tags: readonly string[];
  /** Of the rules' keys only these. */
  readonly keys?: readonly string[];
  readInstance(digest: Digest): Promise<RawManifest | undefined>;
}

/** Where the proof is. */
export interface ProofPlaces {
  readonly signatures: ServedSignatures;
  /** Whether an upstream's own signatures and bundles are wanted, which a rule or a bridge may demand. */
  readonly all: boolean;
}

/** The request with all that the signer needs to judge it: inner indexes, signatures that stand, bundles. */
export async function gatherRequest(
  wanted: ToBeSigned,
  { signatures, all }: ProofPlaces,
  call: ServerCall,
): Promise<SignRequest> {
  const { repository, manifest, tags, why, keys } = wanted;
  const manifests = [manifest, ...(await innerIndexes(wanted))];
  const digests = digestsToSign(
    manifest,
    new Map(manifests.map((each) => [signedDigest(each), each])),
  );
  const proof: Proof[] = [];
  await pool(digests, atOnce, call.signal, async ([digest, part]) => {
    proof.push({
      digest,
      ...(await proofOf({ repository, digest, part }, { signatures, all }, call)),
    });
  });
  const {
    caller: { user },
    authorization,
  } = call;
  return {
    version: 1,
    why,
    domain: repository.domain,
    path: repository.path,
    tags: [...tags],
    ...(keys && { keys: [...keys] }),
    manifests: manifests.map(({ bytes }) => base64(bytes)),
    signatures: proof.flatMap(({ digest, found }) =>
      found.map((each) => ({ manifest: digest, signature: encodeSignature(each) })),
    ),
    bundles: proof.flatMap(({ digest, bundles }) =>
      bundles.map((bundle) => ({ manifest: digest, bundle: base64(bundle) })),
    ),
    ...(user !== undefined && { user }),
    ...(authorization !== undefined && { authorization }),
  };
}

/** What is known of one manifest. */
interface Proof {
  readonly digest: Digest;
  readonly found: readonly UntrustedSignature[];
  readonly bundles: readonly Uint8Array[];
}

const atOnce = 6;

async function proofOf(
  { repository, digest, part }: { repository: ServedRepository; digest: Digest; part: SignedPart },
  { signatures, all }: ProofPlaces,
  call: ServerCall,
): Promise<Omit<Proof, "digest">> {
  const kept = async () => ({
    found: await signatures.readKept(repository, digest, call),
    bundles: [],
  });
  if (!all || part === "index") return await kept();
  try {
    const found = await signatures.read(repository, digest, call);
    return { found, bundles: await signatures.readBundles(repository, digest, call) };
  } catch (error) {
    // It needs no signature, so that none has to be in reach.
    if (part === "attestation" && error instanceof KnownError) return await kept();
    throw error;
  }
}

const maxDepth = 4;

async function innerIndexes({
  manifest,
  readInstance,
}: ToBeSigned): Promise<readonly RawManifest[]> {
  const found = new Map<Digest, RawManifest>();
  const visit = async (index: RawManifest, depth: number): Promise<void> => {
    if (!isIndexType(index.mediaType) || depth > maxDepth) return;
    for (const { digest, mediaType } of parseIndexManifest(index).instances) {
      if (!isIndexType(mediaType) || found.has(digest)) continue;
      const inner = await readInstance(digest);
      if (!inner) continue;
      found.set(digest, inner);
      await visit(inner, depth + 1);
    }
  };
  await visit(manifest, 0);
  return [...found.values()];
}
