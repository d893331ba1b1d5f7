import { parseImageManifest } from "../core/image-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { CopyEvent } from "./events.ts";

/** Tells what a copy of an image tells that finds all of it at the destination. */
export function tellHeld(manifest: RawManifest, report: (event: CopyEvent) => void): void {
  const { config, layers } = parseImageManifest(manifest);
  const blobs = [...Map.groupBy(layers.entries(), ([, { digest }]) => digest)].map(
    ([digest, places]) => ({
      digest,
      size: places[0]?.[1].size ?? 0,
      positions: places.map(([position]) => position),
    }),
  );
  report({ type: "blobs-planned", blobs });
  for (const { digest: blob, size } of blobs) {
    report({ type: "blob-adopted", blob, size, how: "held" });
  }
  report({ type: "config-copying", config: config.digest, size: config.size });
  report({ type: "manifest-writing", of: "image" });
}
