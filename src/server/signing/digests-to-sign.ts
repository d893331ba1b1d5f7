import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { signedDigest } from "../signed-digest.ts";

/** What is signed of one push. */
const maxDigests = 500;

/** What has a digest: an image is judged where a rule asks for that, an index by its images. */
export type SignedPart = "image" | "index" | "attestation";

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
): ReadonlyMap<Digest, SignedPart> {
  const found = new Map<Digest, SignedPart>();
  const add = (digest: Digest, part: SignedPart) => {
    if (found.get(digest) !== "image") found.set(digest, part);
    if (found.size > maxDigests) throw tooMany();
  };
  const visit = (manifest: RawManifest, depth: number): void => {
    const instances = instancesOf(manifest);
    add(signedDigest(manifest), instances.length === 0 ? "image" : "index");
    for (const instance of instances) {
      const inner = depth < 4 ? others.get(instance.digest) : undefined;
      if (inner) visit(inner, depth + 1);
      else add(instance.digest, partOf(instance));
    }
  };
  visit(top, 0);
  return found;
}

/** Of an instance of which there is no more than its descriptor. */
function partOf(instance: Descriptor): SignedPart {
  const { digest, mediaType } = instance;
  if (isIndexType(mediaType) || algorithmOf(digest) !== "sha256") throw unreadable(digest);
  return isAttestation(instance) ? "attestation" : "image";
}

/** An index of nothing is an image to the policy. */
function instancesOf(manifest: RawManifest): readonly Descriptor[] {
  return isIndexType(manifest.mediaType) ? parseIndexManifest(manifest).instances : [];
}

/** What BuildKit keeps in an index beside the images; no client takes it for one of its platform. */
function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    platform?.os === "unknown" &&
    platform.architecture === "unknown" &&
    annotations?.["vnd.docker.reference.type"] === "attestation-manifest"
  );
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
