import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { referrerEntry, subjectOf } from "../../core/subject.ts";
import type { Companions } from "../mirror.ts";

type WantedTypes = Companions["referrers"];

/** Says of a manifest that it is of another artifact type than those wanted. */
export const otherType = "of another type";

/**
 * Whether an entry of a list of referrers may be wanted: some tools enter none, or that of an empty config, where the
 * manifest says more.
 */
export function mayBeWanted({ artifactType }: Descriptor, wanted: WantedTypes): boolean {
  if (wanted === "all") return true;
  if (wanted === "none") return false;
  return !artifactType || artifactType === mediaTypes.ociEmpty || wanted.includes(artifactType);
}

/** Why a manifest that a list names is not to be brought: anybody may be listed anywhere. */
export function whyUnwanted(
  manifest: RawManifest,
  subject: Digest,
  wanted: WantedTypes,
): string | undefined {
  const named = subjectOf(manifest);
  if (named !== subject) {
    return named === undefined
      ? "its manifest refers to nothing"
      : `its manifest refers to ${named}`;
  }
  if (wanted === "all") return undefined;
  return wanted.includes(referrerEntry(manifest).artifactType ?? "") ? undefined : otherType;
}
