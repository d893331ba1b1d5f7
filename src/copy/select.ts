import type { Descriptor } from "../core/descriptor.ts";
import { CopyError } from "../core/errors.ts";
import type { IndexManifest } from "../core/index-manifest.ts";
import { chooseInstancesFor, formatPlatform } from "../core/platform.ts";
import type { ImageSelection } from "./options.ts";

/**
 * The instances to copy along with an index, in its order, each digest once.
 *
 * @throws {CopyError} `copy.no-instance` naming a platform that the index lacks and may not lack, or one where it lacks all
 */
export function chooseInstances(
  index: IndexManifest,
  select: ImageSelection,
): readonly Descriptor[] {
  switch (select.type) {
    case "index-only":
      return [];
    case "platforms": {
      const wanted = new Set(forPlatforms(index, select).chosen);
      return distinct(index.instances.filter((instance) => wanted.has(instance)));
    }
    case "all":
      return distinct(index.instances);
    case "system":
      throw new CopyError("copy.unsupported", "Internal error: one image was to be chosen");
  }
}

/** The wanted platforms that an index lacks, where it may lack some. */
export function lackedPlatforms(index: IndexManifest, select: ImageSelection): readonly string[] {
  return select.type === "platforms" ? forPlatforms(index, select).lacked : [];
}

function forPlatforms(
  index: IndexManifest,
  { platforms, mayLack = false }: Extract<ImageSelection, { readonly type: "platforms" }>,
) {
  const chosen: Descriptor[] = [];
  const lacked: string[] = [];
  const failures: unknown[] = [];
  for (const platform of platforms) {
    try {
      chosen.push(...chooseInstancesFor(index, platform));
    } catch (error) {
      if (!mayLack || !(error instanceof CopyError)) throw error;
      failures.push(error);
      lacked.push(formatPlatform(platform));
    }
  }
  if (chosen.length === 0 && failures.length > 0) throw failures[0];
  return { chosen, lacked };
}

function distinct(instances: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(instances.map((instance) => [instance.digest, instance])).values()];
}
