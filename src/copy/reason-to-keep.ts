import { CopyError } from "../core/errors.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImagePart } from "./copy-request.ts";
import type { CopyOptions } from "./options.ts";

/** Why the manifest must not change — `specs/skopeo-cli.md` 3.2; undefined where it may. */
export function reasonToKeep(
  options: CopyOptions,
  signed: boolean,
  hasDestinationDigest: boolean,
): string | undefined {
  if (signed) return "Would invalidate signatures";
  if (hasDestinationDigest) return "Destination specifies a digest";
  return options.preserveDigests ? "Instructed to preserve digests" : undefined;
}

/** Whether the destination names a digest; it must then be the image's own or that of the index it stands in. */
export function checkDestinationDigest(
  destination: ImageDestination,
  manifest: RawManifest,
  part: ImagePart,
): boolean {
  const digest = destination.reference.docker?.digest;
  if (digest === undefined) return false;
  if (digest !== manifest.digest && digest !== part.chosenFrom?.digest) {
    throw new CopyError(
      "copy.digest-would-change",
      "Digest of source image's manifest would not match destination reference",
    );
  }
  return true;
}
