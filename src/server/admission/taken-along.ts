import type { Digest } from "../../core/digest.ts";
import type { Block } from "./block-list.ts";
import type { KnownManifests } from "./known-manifests.ts";

/** An index in an index in an index is as deep as anybody goes. */
const maxDepth = 4;

/**
 * The block that takes a blob or an instance along: every manifest known to name it in that repository is blocked, or is
 * itself taken along. What another image shares stays.
 */
export function takenAlong(
  known: KnownManifests,
  repository: string,
  digest: Digest,
  isBlocked: (digest: Digest) => Block | undefined,
  depth = 0,
): Block | undefined {
  if (depth >= maxDepth) return undefined;
  let found: Block | undefined;
  for (const parent of known.parents(repository, digest)) {
    const block =
      isBlocked(parent.digest) ??
      isBlocked(parent.signed) ??
      takenAlong(known, repository, parent.digest, isBlocked, depth + 1);
    if (!block) return undefined;
    found = block;
  }
  return found;
}
