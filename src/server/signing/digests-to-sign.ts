import { algorithmOf, type Digest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { signedDigest } from "../signed-digest.ts";

/** What is signed of one push. */
const maxDigests = 500;

/**
 * A manifest's digest and, of an index, those of all its instances: clients check the instance that they pull. An index
 * within an index is followed where it is among `others`. All are sha256: signatures know no other.
 *
 * @throws {ContentError} `content.bad-manifest` where an index does not parse, has too many instances, or names another
 *   index that is not there
 */
export function digestsToSign(
  top: RawManifest,
  others: ReadonlyMap<Digest, RawManifest>,
): readonly Digest[] {
  const found = new Set<Digest>();
  const visit = (manifest: RawManifest, depth: number): void => {
    found.add(signedDigest(manifest));
    if (!isIndexType(manifest.mediaType)) return;
    for (const { digest, mediaType } of parseIndexManifest(manifest).instances) {
      const instance = others.get(digest);
      if (instance && depth < 4) visit(instance, depth + 1);
      else if (isIndexType(mediaType) || algorithmOf(digest) !== "sha256") throw unreadable(digest);
      else found.add(digest);
      if (found.size > maxDigests) throw tooMany();
    }
  };
  visit(top, 0);
  return [...found];
}

function unreadable(digest: Digest): ContentError {
  return new ContentError(
    "content.bad-manifest",
    `the index names ${digest}, which has to be read to be signed and is not there`,
  );
}

function tooMany(): ContentError {
  return new ContentError(
    "content.bad-manifest",
    `the index has more than ${maxDigests} instances to be signed`,
  );
}
