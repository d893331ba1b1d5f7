import type { Digest } from "../../core/digest.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { Companions } from "../mirror.ts";
import { DigestTagLists } from "./digest-tag-lists.ts";
import type { CompanionOptions, OwnerImage } from "./parts.ts";
import { wantsCompanions } from "./room.ts";
import { CompanionWalk } from "./walk.ts";

/**
 * Brings along what belongs to an image that stands at the destination as `digest`, and to its instances: what refers to
 * them, what refers to that, and what is named after their digests. Tells "companion" for each that was not there yet.
 *
 * @throws the first failure, once all else was tried; `copy.unsupported` where there are too many, or they are too deep
 */
export type CopyCompanions = (
  image: OwnerImage,
  digest: Digest,
  wanted: Companions,
  options: CompanionOptions,
) => Promise<void>;

/** One a run: it lists the tags of a place once, and lets images that are the same wait for one another. */
export function createCopyCompanions(): CopyCompanions {
  const digestTags = new DigestTagLists();
  const underWay = new Map<string, Promise<void>>();
  return async (image, digest, wanted, options) => {
    if (!wantsCompanions(wanted)) return;
    const { companions } = image.from.transport;
    if (!companions) return;
    const from = companions.byDigest(image.from.reference, digest);
    const to =
      image.to.transport.companions?.byDigest(image.to.reference, digest) ?? image.to.reference;
    const key = JSON.stringify([formatImageReference(from), formatImageReference(to), wanted]);
    const other = underWay.get(key);
    if (other) return await other;
    const own = new CompanionWalk(image, { ...options, wanted, digestTags }).run(digest);
    underWay.set(key, own);
    try {
      await own;
    } finally {
      underWay.delete(key);
    }
  };
}
