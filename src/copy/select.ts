import type { Descriptor } from "../core/descriptor.ts";
import { CopyError } from "../core/errors.ts";
import type { IndexManifest } from "../core/index-manifest.ts";
import { chooseInstance } from "../core/platform.ts";
import type { ImageSelection } from "./options.ts";

/**
 * The instances to copy along with an index, in its order, each digest once.
 *
 * @throws {CopyError} `copy.no-instance` naming a platform that the index lacks
 */
export function chooseInstances(
  index: IndexManifest,
  select: ImageSelection,
): readonly Descriptor[] {
  switch (select.type) {
    case "index-only":
      return [];
    case "platforms": {
      const wanted = new Set(
        select.platforms.map((platform) => chooseInstance(index, platform).digest),
      );
      return distinct(index.instances.filter(({ digest }) => wanted.has(digest)));
    }
    case "all":
      return distinct(index.instances);
    case "system":
      throw new CopyError("copy.unsupported", "Internal error: one image was to be chosen");
  }
}

function distinct(instances: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(instances.map((instance) => [instance.digest, instance])).values()];
}
