import type { Digest } from "../../core/digest.ts";
import type { Block } from "./block-list.ts";
import type { KnownManifests, PlacedInstance } from "./known-manifests.ts";

/** The manifests that name something in a repository. */
export type ParentsOf = KnownManifests["parents"];

/** An index in an index in an index is as deep as anybody goes. */
const maxDepth = 4;

/**
 * The block that takes a blob or an instance along: every manifest known to name it in that repository is blocked, or is
 * itself taken along. What another image shares stays.
 */
export function takenAlong(
  parentsOf: ParentsOf,
  repository: string,
  digest: Digest,
  isBlocked: (digest: Digest) => Block | undefined,
  depth = 0,
): Block | undefined {
  if (depth >= maxDepth) return undefined;
  let found: Block | undefined;
  for (const parent of parentsOf(repository, digest)) {
    const block =
      isBlocked(parent.digest) ??
      isBlocked(parent.signed) ??
      takenAlong(parentsOf, repository, parent.digest, isBlocked, depth + 1);
    if (!block) return undefined;
    found = block;
  }
  return found;
}

/** Of the instances of an index that goes by these digests, and of theirs, those that are blocked where they are. */
export function blockedInstances(
  instancesOf: KnownManifests["instancesOf"],
  isBlocked: (instance: PlacedInstance) => boolean,
  digests: readonly Digest[],
  depth = 0,
): readonly PlacedInstance[] {
  if (depth >= maxDepth) return [];
  const found = digests.flatMap(instancesOf).filter(isBlocked);
  const inner = [...new Set(found.map(({ digest }) => digest))];
  return [
    ...found,
    ...(inner.length === 0 ? [] : blockedInstances(instancesOf, isBlocked, inner, depth + 1)),
  ];
}
