import type { ImageReference } from "../../core/image-reference.ts";
import type { LayoutPaths } from "../../layout/layout-folder.ts";
import { LayoutReferrers, namesInLayout } from "../../layout/layout-referrers.ts";
import { formatOciLocation, type OciLocation, parseOciLocation } from "../../layout/location.ts";
import type { CompanionPlaces } from "../contract.ts";

/** What refers to images, and the names there are, in the layout that a reference is of. */
export function ociCompanions(
  pathsOf: (reference: ImageReference, as: "source" | "destination") => LayoutPaths,
): CompanionPlaces {
  const referrers = new LayoutReferrers();
  return {
    referrers: (reference, subject, as, { signal }) =>
      referrers.of(pathsOf(reference, as), subject, signal),
    names: (reference, as) => namesInLayout(pathsOf(reference, as)),
    byDigest: (reference, digest) => beside(reference, { digest }),
    byName: (reference, name) => beside(reference, { name }),
  };
}

/** The same layout, spelled as the reference spells it. */
function beside(
  reference: ImageReference,
  which: Pick<OciLocation, "name" | "digest">,
): ImageReference {
  const { typed, text, ...rest } = reference;
  const at = (place: string) => formatOciLocation({ path: parseOciLocation(place).path, ...which });
  return { ...rest, text: at(text), ...(typed !== undefined && { typed: at(typed) }) };
}
