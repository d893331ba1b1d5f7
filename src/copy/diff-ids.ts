import { type Digest, isDigest } from "../core/digest.ts";
import { parseImageConfig } from "../core/image-config.ts";
import { isArtifact } from "../core/image-manifest.ts";
import type { HeldConfig } from "./config.ts";
import { telling } from "./failure.ts";
import { layersOf, type ParsedImage, type Plan } from "./plan.ts";

/** A plan whose layers tell their uncompressed digests, and the config that told. */
export interface ToldPlan {
  readonly plan: Plan;
  /** Absent where there is none to read: of artifacts and schema 1. */
  readonly config?: Uint8Array;
}

/** Reads the config before the layers, and gives each layer its own digest of it. */
export async function withDiffIds(
  image: ParsedImage,
  plan: Plan,
  config: HeldConfig | undefined,
): Promise<ToldPlan> {
  if (!config || image.kind !== "image" || isArtifact(image.manifest)) return { plan };
  const bytes = await config.bytes();
  if (!bytes) return { plan };
  const diffIds = await telling("parsing image configuration", "copy.source-failed", async () =>
    diffIdsOf(bytes),
  );
  if (diffIds.length !== layersOf(image).length) return { plan, config: bytes };
  const layers = plan.layers.map((layer) => {
    const diffId = diffIds[layer.place.positions[0] ?? -1];
    return diffId === undefined ? layer : { ...layer, place: { ...layer.place, diffId } };
  });
  return { plan: { ...plan, layers }, config: bytes };
}

/** Empty where one is no digest: then none of them is to be trusted to stand for its layer. */
function diffIdsOf(config: Uint8Array): readonly Digest[] {
  const diffIds: readonly string[] = parseImageConfig(config).rootfs.diff_ids ?? [];
  return diffIds.every(isDigest) ? (diffIds as readonly Digest[]) : [];
}
