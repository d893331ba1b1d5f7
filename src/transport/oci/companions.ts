import type { ImageReference } from "../../core/image-reference.ts";
import type { LayoutPaths } from "../../layout/layout-folder.ts";
import { LayoutReferrers, namesInLayout } from "../../layout/layout-referrers.ts";
import { formatOciLocation, type OciLocation, parseOciLocation } from "../../layout/location.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { CompanionPlaces, NamedPlaces } from "../contract/places.ts";

/** How a layout is reached. */
export interface LayoutUse {
  pathsOf(reference: ImageReference, as: "source" | "destination"): LayoutPaths;
  remove(reference: ImageReference, call: CallOptions): Promise<void>;
}

/** The names in a layout, and what refers to images in it. */
export function besideImages({ pathsOf, remove }: LayoutUse): {
  readonly named: NamedPlaces;
  readonly companions: CompanionPlaces;
} {
  const referrers = new LayoutReferrers();
  return {
    named: {
      names: (reference, as) => namesInLayout(pathsOf(reference, as)),
      byName: (reference, name) => beside(reference, { name }),
      remove,
    },
    companions: {
      outlive: true,
      referrers: (reference, subject, as, { signal }) =>
        referrers.of(pathsOf(reference, as), subject, signal),
      byDigest: (reference, digest) => beside(reference, { digest }),
    },
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
