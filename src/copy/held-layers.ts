import type { Descriptor } from "../core/descriptor.ts";
import { CopyError } from "../core/errors.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { HeldLayer, ImageSource } from "../transport/contract/image-source.ts";
import { layersOf, type ParsedImage } from "./plan.ts";

/** The image with its layers as the source gives them, where those are not what the manifest says. */
export async function withHeldLayers(
  source: ImageSource,
  image: ParsedImage,
  call: CallOptions,
): Promise<ParsedImage> {
  const held = await source.heldLayers(image.raw, call);
  const named = layersOf(image);
  if (
    !held ||
    (held.length === named.length && held.every((each, at) => isSame(each, named[at])))
  ) {
    return image;
  }
  return { ...image, held };
}

/** As skopeo has it: what else the manifest tells of a layer counts too, since a store does not give it. */
function isSame(held: HeldLayer, named: Descriptor | undefined): boolean {
  return (
    named !== undefined &&
    held.digest === named.digest &&
    held.size === named.size &&
    held.mediaType === named.mediaType &&
    (named.urls ?? []).length === 0 &&
    Object.keys(named.annotations ?? {}).length === 0
  );
}

const whatToDo: Readonly<Record<string, string>> = {
  "Would invalidate signatures": "Pass --remove-signatures to copy the image without them",
  "Instructed to preserve digests": "Leave out --preserve-digests",
  "Destination specifies a digest": "Name a tag at the destination",
};

/**
 * Other layers make another manifest.
 *
 * @throws {CopyError} `copy.digest-would-change` where it must stay, in skopeo's words
 */
export function refuseOtherLayers({ held }: ParsedImage, keepBecause: string | undefined): void {
  if (!held || keepBecause === undefined) return;
  const hint = whatToDo[keepBecause];
  throw new CopyError(
    "copy.digest-would-change",
    `Copying this image would require changing layer representation, which we cannot do: ${JSON.stringify(keepBecause)}`,
    hint === undefined ? {} : { hint },
  );
}
