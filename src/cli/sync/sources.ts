import { repositoryName } from "../../core/docker-reference.ts";
import type { KnownError } from "../../core/errors.ts";
import type { ResolvedImage } from "../parts.ts";

/**
 * Images that come from one place, as skopeo counts them: a repository, a folder, a selector of a file. However many there
 * are, only their keys are kept; an image is made of one as often as it is wanted.
 */
export interface SyncSource {
  readonly name: string;
  /** What is wanted of it, in order: tags and digests, or folders. */
  readonly keys: readonly string[];
  image(key: string): Promise<SourceImage>;
}

/** One image to copy. */
export interface SourceImage {
  readonly image: ResolvedImage;
  /** What its name at the destination is made of: the name with tag or digest, or the path below the folder. */
  readonly path: string;
}

/** What a listing came to. */
export interface Listing {
  readonly sources: readonly SyncSource[];
  /** Whether something of it could not be listed, which was told. */
  readonly isIncomplete: boolean;
}

/**
 * As many images are made once and kept, and named once: a run of a few hundred with nothing to do spends a tenth of its time on
 * that else. Each takes some 2 kB (docs/decisions/0080).
 */
export const mostKept = 500;

/** The source, once each of its images can be meant. @throws what the first is refused with */
export async function checked(source: SyncSource): Promise<SyncSource> {
  const kept = new Map<string, SourceImage>();
  for (const key of source.keys) {
    const image = await source.image(key);
    if (kept.size < mostKept) kept.set(key, image);
  }
  return { ...source, image: async (key) => kept.get(key) ?? (await source.image(key)) };
}

/** An image of a registry, by its full name. */
export function dockerImage(image: ResolvedImage): SourceImage {
  const { docker } = image.reference;
  if (!docker) throw new Error("An image of a registry has a name");
  const tag = docker.tag === undefined ? "" : `:${docker.tag}`;
  const digest = docker.digest === undefined ? "" : `@${docker.digest}`;
  return { image, path: `${repositoryName(docker)}${tag}${digest}` };
}

/** Skopeo's words for tags that could not be listed. */
export function tagsFailed(repository: string): (error: KnownError) => string {
  return ({ code }) => {
    const failed = `Error determining repository tags for repo ${repository}`;
    return code.startsWith("config.") ? `${failed}: failed to create client` : failed;
  };
}
