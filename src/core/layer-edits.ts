import type { Digest } from "./digest.ts";
import { CopyError } from "./errors.ts";
import { mediaTypes } from "./media-type.ts";

/** How the bytes of a layer are compressed. */
export type LayerCompression = "none" | "gzip" | "zstd" | "bzip2" | "Xz";

/** What a layer of a manifest became at the destination. */
export interface LayerEdit {
  readonly digest: Digest;
  readonly size: number;
  /** Its compression there; absent where it may not be looked at, and the media type must stay. */
  readonly compression?: LayerCompression;
  /** It was encrypted, or decrypted: with the compression that its media type says, or {@link compression}. */
  readonly cipher?: "encrypt" | "decrypt";
  /** Of a layer of changed bytes: what is to be said of the new ones. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** A foreign layer that was not copied: it is still to be had from its URLs. */
  readonly foreign?: boolean;
  /** The bytes may be the same, but the manifest says of them what is not so. */
  readonly restated?: boolean;
  /** Of a schema 1 layer that becomes part of another kind of manifest: the digest of what it unpacks to. */
  readonly diffId?: Digest;
}

/** The media types that one layer has in its different compressions; empty where the format has none. */
interface CompressionTypes {
  readonly none: string;
  readonly gzip: string;
  readonly zstd: string;
}

const ociTypes: readonly CompressionTypes[] = [
  {
    none: mediaTypes.ociForeignLayer,
    gzip: mediaTypes.ociForeignLayerGzip,
    zstd: mediaTypes.ociForeignLayerZstd,
  },
  { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd },
];

const dockerTypes: readonly CompressionTypes[] = [
  { none: mediaTypes.dockerForeignLayer, gzip: mediaTypes.dockerForeignLayerGzip, zstd: "" },
  { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: "" },
];

/** Whether the bytes of a layer of this type may be compressed, decompressed or recompressed. */
export function isRecompressible(mediaType: string): boolean {
  return [...ociTypes, ...dockerTypes].some((types) => Object.values(types).includes(mediaType));
}

const encrypted = "+encrypted";

/** Whether the bytes of a layer of this type are encrypted. */
export function isEncryptedType(mediaType: string): boolean {
  return mediaType.endsWith(encrypted);
}

/** The type of what an encrypted layer is when it is decrypted. */
export function decryptedType(mediaType: string): string {
  return isEncryptedType(mediaType) ? mediaType.slice(0, -encrypted.length) : mediaType;
}

/**
 * The media type of a layer once it is what `edit` says.
 *
 * @throws {CopyError} `copy.unsupported` where the kind of manifest cannot express it
 */
export function editedMediaType(mediaType: string, edit: LayerEdit): string {
  if (edit.cipher === undefined) return packedMediaType(mediaType, edit);
  if (edit.cipher === "decrypt") return packedMediaType(decryptedType(mediaType), edit);
  const [plain] = mediaType.split("+");
  if (plain !== mediaTypes.ociLayer && plain !== mediaTypes.ociForeignLayer) {
    throw new CopyError(
      "copy.unsupported",
      `preparing updated manifest, layer "${edit.digest}": unsupported mediaType to encrypt: ${JSON.stringify(mediaType)}`,
    );
  }
  return `${packedMediaType(mediaType, edit)}${encrypted}`;
}

/**
 * The media type of a layer once it is compressed like `edit` says.
 *
 * @throws {CopyError} `copy.unsupported` where the kind of manifest cannot express it
 */
function packedMediaType(mediaType: string, edit: LayerEdit): string {
  if (edit.compression === undefined) return mediaType;
  const types = [...ociTypes, ...dockerTypes].find((each) =>
    Object.values(each).includes(mediaType),
  );
  const cannot = (what: string) => {
    const message = `preparing updated manifest, layer "${edit.digest}": ${what}`;
    return new CopyError("copy.unsupported", message);
  };
  const quoted = JSON.stringify(mediaType);
  if (types === undefined) {
    const verb = edit.compression === "none" ? "decompression" : "compression";
    throw cannot(`unsupported MIME type for ${verb}: ${quoted}`);
  }
  if (edit.compression === "bzip2" || edit.compression === "Xz") {
    throw cannot(
      `unknown compressed with algorithm ${edit.compression} variant for type ${quoted}`,
    );
  }
  const edited = types[edit.compression];
  if (edited === "") {
    throw cannot(`${edit.compression} compression is not supported for type ${quoted}`);
  }
  return edited;
}

/**
 * Whether any layer is another, or otherwise packed, than the manifest says; otherwise that is left as it is. A size of 0 may be one that was not
 * known when the manifest was made.
 */
export function changesLayers(
  layers: readonly { readonly digest: string; readonly size: number }[],
  edits: readonly LayerEdit[],
): boolean {
  if (layers.length !== edits.length) {
    throw new CopyError(
      "copy.unsupported",
      `Error preparing updated manifest: layer count changed from ${layers.length} to ${edits.length}`,
    );
  }
  return layers.some(
    ({ digest, size }, index) =>
      edits[index]?.restated ||
      digest !== edits[index]?.digest ||
      (size === 0 && edits[index]?.size !== 0),
  );
}
