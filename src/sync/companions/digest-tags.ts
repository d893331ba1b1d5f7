import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";

/**
 *     tag = algorithm "-" hex [ "." suffix ]
 *
 * With a suffix what cosign attaches to the image of that digest; without one the list of its referrers. Tags have 128
 * characters: of other algorithms than sha256 the first 64 hex digits count.
 */
const pattern = /^(sha(?:256|384|512)-[0-9a-f]{64})[0-9a-f]*(?:\.([\w.-]+))?$/;

/** Whether a tag is no name of an image, but stands for what belongs to the image with a digest. */
export function isDigestTag(tag: string): boolean {
  return pattern.test(tag);
}

/** What the tags made of a digest begin with. */
export function digestTagStem(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
}

/** The tags with a suffix, by their {@link digestTagStem}. */
export function groupDigestTags(tags: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const tag of tags) {
    const [, stem, suffix] = pattern.exec(tag) ?? [];
    if (stem === undefined || suffix === undefined) continue;
    const others = found.get(stem);
    if (others) others.push(tag);
    else found.set(stem, [tag]);
  }
  return found;
}
