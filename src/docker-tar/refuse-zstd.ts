import { goQuote } from "../core/go-quote.ts";
import { parseImageManifest } from "../core/image-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isImageManifestType } from "../core/media-type.ts";
import { DockerTarError } from "./errors.ts";

/**
 * Refuses, before any blob moves, an image whose layers must stay as they are and cannot be told of in a schema 2 manifest.
 *
 * @param hint what to do instead, in the imperative
 * @throws {DockerTarError} `docker-tar.unsupported`, in the words that skopeo has for it in the end
 */
export function refuseZstd(manifest: RawManifest, hint: string): void {
  if (!isImageManifestType(manifest.mediaType)) return;
  const { layers } = parseImageManifest(manifest);
  const layer = layers.find(({ mediaType }) => mediaType.endsWith("+zstd"));
  if (!layer) return;
  throw new DockerTarError(
    "docker-tar.unsupported",
    `creating an updated image manifest: Error during manifest conversion: ${goQuote(layer.mediaType)}: zstd compression is not officially supported for docker images`,
    { hint },
  );
}
