import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { ImageManifest } from "./image-manifest.ts";
import { parseJsonText } from "./json-text.ts";
import { mediaTypes } from "./media-type.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Reads a small blob; undefined where there is none, or where it is larger. */
export type ReadSmallBlob = (digest: Digest, maxBytes: number) => Promise<Uint8Array | undefined>;

/** `sha256-<hex>.sig` and its like of cosign, `sha256-<hex>` of the referrers fallback. */
const attachmentTag = /^sha(?:256|512)-[0-9a-f]{64}(?:[0-9a-f]{64})?(?:\.(?:sig|att|sbom))?$/;

/** Of configs that some client takes for an image's: Docker takes the last four since old registries said so. */
const imageConfigs: ReadonlySet<string> = new Set([
  mediaTypes.ociConfig,
  mediaTypes.dockerConfig,
  "application/octet-stream",
  "application/json",
  "text/html",
  "text/plain",
]);

/**
 * What may be files to be unpacked: clients look at content more than at types, so whatever is packed counts. Or what is run
 * as it is: containerd's shims run WebAssembly, whatever it is attached to, and Apptainer images of its own.
 */
const maybeFiles =
  /^application\/vnd\.oci\.image\.layer\.|^application\/vnd\.docker\.|octet-stream|\btar\b|gzip|zstd|compressed|squashfs|erofs|\bwasm\b|\bsif\b|[+.-]zip\b|\/zip\b/i;

/** What cosign and BuildKit attach with the config of an image: JSON, each of them. */
const attachedDocuments: ReadonlySet<string> = new Set([
  "application/vnd.dev.cosign.simplesigning.v1+json",
  "application/vnd.dsse.envelope.v1+json",
  "application/vnd.in-toto+json",
]);

const maxDocumentBytes = 4 * 1024 * 1024;
const maxAllBytes = 16 * 1024 * 1024;
const maxDocuments = 256;

/**
 * Whether a manifest is something about an image which no client can run: it is then served without being judged, as
 * clients need it to judge. Its own word for that is not enough (`specs/signing.md` 6.8): of one with an image's config,
 * as cosign makes them, every layer is read, and is JSON, which no archive is.
 *
 * @param tag by which it is known; absent where that is its digest
 */
export async function isAttachment(
  image: ImageManifest,
  tag: string | undefined,
  readBlob: ReadSmallBlob | undefined,
): Promise<boolean> {
  const { config, layers, subject } = image;
  if (image.mediaType !== mediaTypes.ociManifest) return false;
  const allDocuments =
    layers.length > 0 && layers.every(({ mediaType }) => attachedDocuments.has(mediaType));
  if (config.mediaType === mediaTypes.ociConfig) {
    return allDocuments && readBlob !== undefined && (await areJson(layers, readBlob));
  }
  const isTagged = tag !== undefined && attachmentTag.test(tag);
  if (!subject && !isTagged && !allDocuments) return false;
  const runs = [config, ...layers].some(({ mediaType }) => maybeFiles.test(mediaType));
  return !runs && !imageConfigs.has(typeOf(config));
}

/** Without parameters, which nobody heeds. */
function typeOf({ mediaType }: Descriptor): string {
  return (mediaType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

async function areJson(layers: readonly Descriptor[], read: ReadSmallBlob): Promise<boolean> {
  const all = layers.reduce((sum, { size }) => sum + size, 0);
  if (layers.length > maxDocuments || all > maxAllBytes) return false;
  for (const { digest, size } of layers) {
    if (size > maxDocumentBytes) return false;
    const bytes = await read(digest, maxDocumentBytes);
    if (!bytes || !isJson(bytes)) return false;
  }
  return true;
}

/** JSON has no NUL, and every tar, gzip and zstd file has one or is no UTF-8. */
function isJson(bytes: Uint8Array): boolean {
  try {
    parseJsonText(decodeUtf8(bytes), { maxDepth: 256 });
    return !bytes.includes(0);
  } catch {
    return false;
  }
}
