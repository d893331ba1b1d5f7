import { resolve } from "node:path";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import type { Lookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import type { Claim, UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Signer } from "../../../sigstore/signer.ts";
import { chooseInstances } from "../../copy/select.ts";
import type { Digest } from "../../core/digest.ts";
import {
  type DockerReference,
  formatDockerReference,
  repositoryName,
} from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { End, ResolvedImage } from "../parts.ts";

/** A signature that was asked for: made now, or there before. */
export interface SignedInPlace {
  readonly digest: Digest;
  readonly identity: string;
  readonly keyId: string;
  readonly made: boolean;
}

/** What is signed, as what, and where the signatures go. */
export interface SignInPlace {
  readonly end: End;
  readonly image: ResolvedImage;
  readonly signers: readonly Signer[];
  readonly identity?: DockerReference;
  /** A look-aside's folder to use instead of the one that is configured; "" for none. */
  readonly directory: string;
}

/**
 * Signs what a name of a registry stands for now, and every image of a list, since those are what is judged when it is
 * pulled. Nothing is written to the registry.
 *
 * @throws {KnownError} where the image cannot be read, or the place of signatures not be written
 */
export async function signInPlace(
  context: Pick<CommandContext, "signal" | "parts">,
  request: SignInPlace,
): Promise<readonly SignedInPlace[]> {
  const { signal } = context;
  const { image, signers } = request;
  const { docker } = image.reference;
  if (image.reference.transport !== "docker" || !docker)
    throw new UsageError(
      "usage.bad-reference",
      `Cannot sign ${formatImageReference(image.reference)} where it is: only images in registries`,
      { hint: "Sign it as it is copied: copy --sign-by KEY" },
    );
  const store = await placeFor(context, request, docker);
  const signed: SignedInPlace[] = [];
  for (const manifestDigest of await digestsOf(image, signal)) {
    const subject = { repository: repositoryName(docker), manifestDigest };
    const identity = formatDockerReference(request.identity ?? nameOf(docker, manifestDigest));
    await store.checkWritable(subject);
    const claim = { manifestDigest, dockerReference: identity };
    const standing = [...(await store.read(subject, { signal }))];
    for (const signer of signers) {
      const made = await newSignature(signer, claim, standing, signal);
      if (made) await store.append(subject, [made], { signal });
      if (made) standing.push(made);
      signed.push({
        digest: manifestDigest,
        identity,
        keyId: signer.keyId,
        made: made !== undefined,
      });
    }
  }
  return signed;
}

async function newSignature(
  signer: Signer,
  claim: Claim,
  standing: readonly UntrustedSignature[],
  signal: AbortSignal,
): Promise<UntrustedSignature | undefined> {
  for (const signature of standing) if (await signer.hasMade(signature, claim)) return undefined;
  return await withPrefix("creating signature", () => signer.sign(claim, { signal }));
}

async function placeFor(
  { parts }: Pick<CommandContext, "parts">,
  { end, directory }: SignInPlace,
  docker: DockerReference,
): Promise<Lookaside> {
  if (directory === "") return (await end.signaturePlaces(docker)).write;
  const { environment } = await parts();
  return new FolderStore(resolve(environment.cwd, directory));
}

/** A name's tag; where it has none, its digest or that of the manifest. */
function nameOf({ tag, digest, ...name }: DockerReference, manifest: Digest): DockerReference {
  return tag === undefined ? { ...name, digest: digest ?? manifest } : { ...name, tag };
}

/** Of the images of a list, and of the list; each manifest was read, so that nothing unseen is signed. */
async function digestsOf(
  { transport, reference }: ResolvedImage,
  signal: AbortSignal,
): Promise<readonly Digest[]> {
  await using source = await withPrefix(
    `initializing source ${formatImageReference(reference)}`,
    () => transport.openSource(reference, { signal }),
  );
  const top: RawManifest = await source.readManifest("top", { signal });
  if (!isIndexType(top.mediaType)) return [top.digest];
  const instances = chooseInstances(parseIndexManifest(top), { type: "all" });
  for (const { digest } of instances) await source.readManifest(digest, { signal });
  return [...instances.map(({ digest }) => digest), top.digest];
}
