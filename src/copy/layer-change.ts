import type { CompressionFormat } from "../stream/compression-format.ts";
import type { CompressionWish } from "./options.ts";

/** What is done to a layer's bytes on the way. */
export interface LayerChange {
  readonly decompress: boolean;
  readonly compress?: "gzip" | "zstd";
  readonly level?: number;
}

/** What a destination wants layers to be, and what the user asked for. */
export interface LayerWish {
  readonly layers: "as-is" | "compressed" | "plain";
  readonly compression: CompressionWish;
}

/**
 * What to do to a layer that may be changed and was found to be compressed like `found`; undefined keeps the bytes —
 * `specs/skopeo-cli.md` 3.4.
 */
export function layerChange(
  wish: LayerWish,
  found: CompressionFormat | "none",
): LayerChange | undefined {
  const { format, level } = wish.compression;
  if (wish.layers === "plain") return found === "none" ? undefined : { decompress: true };
  if (wish.layers === "as-is") return undefined;
  const how = level === undefined ? {} : { level };
  if (found === "none") return { decompress: false, compress: format ?? "gzip", ...how };
  if (format === undefined || format === found) return undefined;
  return { decompress: true, compress: format, ...how };
}
