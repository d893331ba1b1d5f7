import { algorithmOf, type Digest } from "../core/digest.ts";
import { manifestDigest, type RawManifest } from "../core/manifest.ts";

/** The sha256 of a manifest, whatever it goes by: signatures know no other. */
export function signedDigest({ digest, bytes }: RawManifest): Digest {
  return algorithmOf(digest) === "sha256" ? digest : manifestDigest(bytes);
}
