import type { Descriptor } from "./descriptor.ts";
import { CopyError, UsageError } from "./errors.ts";
import { type IndexManifest, zstdAnnotation } from "./index-manifest.ts";
import { mediaTypes } from "./media-type.ts";

/** What an image runs on — OCI image-spec, image-index.md § platform. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly features?: readonly string[];
}

/** What to choose an instance by. */
export type WantedPlatform = Pick<Platform, "os" | "architecture" | "variant">;

/** Variants that run each other's images, the most capable first. */
const compatibleVariants: ReadonlyMap<string, readonly string[]> = new Map([
  ["arm", ["v8", "v7", "v6", "v5"]],
  ["arm64", ["v8"]],
]);

/**
 * The instance that suits `wanted` best: its variant, else a less capable one, else one that names none; in an OCI index
 * one with zstd layers before others, and one that names no platform only where nothing else fits
 * (`specs` skopeo-cli.md 3.5).
 *
 * @throws {CopyError} `copy.no-instance`; the hint lists the platforms there are
 */
export function chooseInstance(index: IndexManifest, wanted: WantedPlatform): Descriptor {
  const oci = index.mediaType === mediaTypes.ociIndex;
  const variants = wantedVariants(wanted);
  const rank = (instance: Descriptor): readonly number[] => {
    const match = matchRank(instance, wanted, variants, oci);
    return [match, oci && instance.annotations?.[zstdAnnotation] === "true" ? 0 : 1];
  };
  const [best] = index.instances
    .map((instance) => ({ instance, rank: rank(instance) }))
    .filter(({ rank: [match] }) => match !== unsuitable)
    .sort((a, b) => compareRanks(a.rank, b.rank));
  if (best !== undefined) return best.instance;
  throw noInstance(index, wanted);
}

/**
 * {@link chooseInstance}'s, and with it all others for the same platform, in the index's order: other versions of its
 * system, other compressions.
 *
 * @throws {CopyError} `copy.no-instance`
 */
export function chooseInstancesFor(
  index: IndexManifest,
  wanted: WantedPlatform,
): readonly Descriptor[] {
  const best = chooseInstance(index, wanted);
  const { platform } = best;
  if (!platform) return [best];
  return index.instances.filter((instance) => isSamePlatform(instance.platform, platform));
}

function isSamePlatform(one: Platform | undefined, other: Platform): boolean {
  return (
    one?.os === other.os &&
    one.architecture === other.architecture &&
    (one.variant ?? "") === (other.variant ?? "")
  );
}

/** `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: WantedPlatform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/**
 * The reverse of {@link formatPlatform}.
 *
 * @throws {UsageError} `usage.bad-flag`
 */
export function parsePlatform(text: string): WantedPlatform {
  const [os, architecture, variant, ...rest] = text.split("/");
  const parts = [os, architecture, ...(variant === undefined ? [] : [variant])];
  const wellFormed = parts.every((part) => part !== undefined && /^[A-Za-z0-9_.-]+$/.test(part));
  if (!wellFormed || os === undefined || architecture === undefined || rest.length > 0) {
    throw new UsageError("usage.bad-flag", `invalid platform ${JSON.stringify(text)}`, {
      hint: "Name a platform as os/architecture or os/architecture/variant.",
    });
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

const unsuitable = Number.POSITIVE_INFINITY;
const lastResort = Number.MAX_SAFE_INTEGER;

/** Position of an instance's variant among those wanted. */
function matchRank(
  { platform }: Descriptor,
  wanted: WantedPlatform,
  variants: readonly string[],
  oci: boolean,
): number {
  if (platform === undefined) return oci ? lastResort : unsuitable;
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) {
    return unsuitable;
  }
  const position = variants.indexOf(platform.variant ?? "");
  return position < 0 ? unsuitable : position;
}

/** Every platform that suits `wanted`, the best first. */
export function suitablePlatforms(wanted: WantedPlatform): readonly Required<WantedPlatform>[] {
  const { os, architecture } = wanted;
  return wantedVariants(wanted).map((variant) => ({ os, architecture, variant }));
}

function wantedVariants({ architecture, variant = "" }: WantedPlatform): readonly string[] {
  const compatible = compatibleVariants.get(architecture) ?? [];
  if (variant === "") return ["", ...compatible];
  const position = compatible.indexOf(variant);
  return [...(position < 0 ? [variant] : compatible.slice(position)), ""];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const difference = a.findIndex((rank, index) => rank !== b[index]);
  return difference < 0 ? 0 : (a[difference] ?? 0) - (b[difference] ?? 0);
}

function noInstance(index: IndexManifest, wanted: WantedPlatform): CopyError {
  const kind = index.mediaType === mediaTypes.ociIndex ? "image index" : "manifest list";
  const { os, architecture, variant = "" } = wanted;
  const available = index.instances.flatMap(({ platform }) =>
    platform && platform.os !== "unknown" ? [platform] : [],
  );
  const named = new Set(available.map(formatPlatform));
  return new CopyError(
    "copy.no-instance",
    `no image found in ${kind} for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(variant)}, OS ${JSON.stringify(os)}`,
    named.size === 0
      ? {}
      : { hint: `Choose one of the platforms there are: ${[...named].join(", ")}.` },
  );
}
