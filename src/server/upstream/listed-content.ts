import { type Digest, isDigest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isManifestType } from "../../core/media-type.ts";

/** Content that a manifest names. */
export interface ListedContent {
  readonly digest: Digest;
  /** Undefined where a manifest does not tell: schema 1. */
  readonly size: number | undefined;
  readonly kind: "blob" | "manifest";
  readonly mediaType: string;
  /** A layer that registries need not have. */
  readonly foreign: boolean;
}

/** What a manifest names, each once: config and layers, or instances; not its subject. Of odd members nothing. */
export function listedContent({ bytes }: Pick<RawManifest, "bytes">): readonly ListedContent[] {
  const json = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  const found = new Map<string, ListedContent>();
  const add = (item: unknown, kind: ListedContent["kind"]) => {
    const content = contentOf(item, kind);
    if (content && !found.has(content.digest)) found.set(content.digest, content);
  };
  add(json["config"], "blob");
  for (const name of ["layers", "fsLayers", "blobs"])
    for (const item of list(json[name])) add(item, "blob");
  for (const item of list(json["manifests"])) add(item, isOther(item) ? "blob" : "manifest");
  return [...found.values()];
}

/** Layers and the like in an index: caches of builds are such. */
function isOther(item: unknown): boolean {
  const { mediaType } = (item ?? {}) as Record<string, unknown>;
  return typeof mediaType === "string" && mediaType !== "" && !isManifestType(mediaType);
}

function contentOf(item: unknown, kind: ListedContent["kind"]): ListedContent | undefined {
  const { digest, blobSum, size, mediaType, urls } = (item ?? {}) as Record<string, unknown>;
  const named = digest ?? blobSum;
  if (typeof named !== "string" || !isDigest(named)) return undefined;
  return {
    digest: named,
    size: typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
    kind,
    mediaType: typeof mediaType === "string" ? mediaType : "application/octet-stream",
    foreign: Array.isArray(urls) && urls.length > 0,
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
