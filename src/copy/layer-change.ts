import type { Descriptor } from "../core/descriptor.ts";
import type { CompressionFormat, WritableFormat } from "../stream/compression-format.ts";
import { isChunked } from "../stream/zstd-chunked/chunked-writer.ts";
import type { CompressionWish } from "./options.ts";

/** What is done to a layer's bytes on the way. */
export interface LayerChange {
  readonly decompress: boolean;
  readonly compress?: WritableFormat;
  readonly level?: number;
}

/** What a destination wants layers to be, and what the user asked for. */
export interface LayerWish {
  readonly layers: "as-is" | "compressed" | "plain";
  readonly compression: CompressionWish;
}

/** How a layer was found to be compressed; zstd:chunked where its descriptor says so. */
export type FoundPacking = CompressionFormat | "zstd:chunked" | "none";

/** What first bytes and a descriptor come to. */
export function packingOf(
  found: CompressionFormat | undefined,
  annotations: Descriptor["annotations"],
): FoundPacking {
  return found === "zstd" && isChunked(annotations) ? "zstd:chunked" : (found ?? "none");
}

/**
 * What to do to a layer that may be changed and was found to be compressed like `found`; undefined keeps the bytes —
 * `specs/skopeo-cli.md` 3.4.
 */
export function layerChange(wish: LayerWish, found: FoundPacking): LayerChange | undefined {
  const { format, level } = wish.compression;
  if (wish.layers === "plain") return found === "none" ? undefined : { decompress: true };
  if (wish.layers === "as-is") return undefined;
  const how = level === undefined ? {} : { level };
  if (found === "none") return { decompress: false, compress: format ?? "gzip", ...how };
  if (format === undefined || format === found) return undefined;
  if (format === "zstd" && found === "zstd:chunked") return undefined;
  return { decompress: true, compress: format, ...how };
}
