import type { Descriptor } from "../core/descriptor.ts";
import { CopyError } from "../core/errors.ts";
import { type ImageManifest, isArtifact, parseImageManifest } from "../core/image-manifest.ts";
import { isEncryptedType, isRecompressible } from "../core/layer-edits.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isSchema1Type } from "../core/media-type.ts";
import { parseSchema1, type Schema1Image } from "../core/schema1.ts";
import type { WritableFormat } from "../stream/compression-format.ts";
import { isChunked } from "../stream/zstd-chunked/chunked-writer.ts";
import type { BlobPlace, DestinationTraits } from "../transport/contract/image-destination.ts";
import type { HeldLayer } from "../transport/contract/image-source.ts";
import type { LayerWish } from "./layer-change.ts";
import { checkLayerNumbers, cipherFor, type LayerCrypto } from "./layer-crypto.ts";
import { manifestTypesToTry } from "./manifest-types.ts";
import type { CopyOptions } from "./options.ts";

/** An image manifest read: of schema 2 and OCI, or of schema 1, which has no config and no sizes. */
export type ParsedImage = {
  readonly raw: RawManifest;
  /** The layers as the source gives them, where they are not the manifest's. */
  readonly held?: readonly HeldLayer[];
} & (
  | { readonly kind: "image"; readonly manifest: ImageManifest }
  | { readonly kind: "schema1"; readonly schema1: Schema1Image }
);

/** One layer to bring over; `wish` is absent where its bytes must stay as they are. */
export interface PlannedLayer {
  readonly blob: Descriptor;
  readonly place: BlobPlace;
  readonly wish?: LayerWish;
  /** What a key does to its bytes. */
  readonly cipher?: LayerCrypto["does"];
  /** A blob that the destination holds under this digest will do. */
  readonly adoptable: boolean;
  /** Another blob with the same inside, which will do as well, and rather, where the destination holds it. */
  readonly instead?: HeldLayer["packed"];
  /** The digest of the uncompressed layer must be found out. */
  readonly needsDiffId: boolean;
}

/** What to copy and in what forms to offer it. Made without I/O. */
export interface Plan {
  /** Each digest once, unless the destination wants it in each place; in the manifest's order. */
  readonly layers: readonly PlannedLayer[];
  /** Absent where the config exists only after its layers were read (schema 1). */
  readonly config?: Descriptor;
  /** Manifest types to offer, the best first. */
  readonly types: readonly [string, ...string[]];
}

/** Reads an image manifest of any kind. @throws {ContentError} `content.bad-manifest` */
export function parseImage(raw: RawManifest): ParsedImage {
  return isSchema1Type(raw.mediaType)
    ? { kind: "schema1", raw, schema1: parseSchema1(raw) }
    : { kind: "image", raw, manifest: parseImageManifest(raw) };
}

/** What decides about the forms of one image besides what was asked. */
export interface PlanReasons {
  /** Why the manifest must stay as it is, if it must. */
  readonly keepBecause: string | undefined;
  readonly crypto?: LayerCrypto | undefined;
}

/** @throws {CopyError} `copy.unsupported` where no manifest type can express what is asked */
export function planImage(
  image: ParsedImage,
  traits: DestinationTraits,
  options: CopyOptions,
  { keepBecause, crypto }: PlanReasons,
): Plan {
  const mayChange = keepBecause === undefined;
  const mayPack = mayChange && traits.newBlobs !== "none";
  const types = manifestTypesToTry({
    source: image.raw.mediaType,
    destination: traits.manifestTypes,
    ...(options.manifestType !== undefined && { forced: options.manifestType }),
    ...(mayPack && options.compression.format && { compression: options.compression.format }),
    encrypted: endsEncrypted(image, crypto),
    ...(keepBecause !== undefined && { keepBecause }),
  });
  const needsDiffId = image.kind === "schema1" && !isSchema1Type(types[0]);
  const wish = { layers: traits.layers, compression: options.compression };
  if (mayChange && !mayPack && traits.layers === "compressed") refuseFormat(image, options);
  const count = layersOf(image).length;
  checkLayerNumbers(crypto, count);
  const layers = placedLayers(image, traits).map(({ blob, place }): PlannedLayer => {
    const cipher = cipherFor(crypto, { blob, positions: place.positions, count }, keepBecause);
    if (cipher && !mayPack) throw cannotChange(`${cipher}ed`);
    const isFree = !needsDiffId && cipher === undefined;
    return {
      blob,
      place,
      needsDiffId,
      ...(mayPack && isChangeable(image, blob) && { wish }),
      ...(cipher && { cipher }),
      adoptable: isFree && !(mayChange && isForcedAway(options, blob)),
      ...(mayPack && isFree && insteadOf(blob, wish)),
    };
  });
  return { layers, types, ...(image.kind === "image" && { config: image.manifest.config }) };
}

/** Whether there are encrypted layers at the end of the copy. */
function endsEncrypted(image: ParsedImage, crypto: LayerCrypto | undefined): boolean {
  if (crypto) return crypto.does === "encrypt";
  return layersOf(image).some(({ mediaType }) => isEncryptedType(mediaType));
}

/** A wish that is said, and that nothing would come of. */
function refuseFormat(image: ParsedImage, { compression: { format } }: CopyOptions): void {
  if (format === undefined) return;
  const fits = (blob: Descriptor) => isPackedAs(format, blob);
  if (layersOf(image).every((blob) => fits(blob) || !isChangeable(image, blob))) return;
  throw cannotChange(`compressed by ${format}`);
}

function cannotChange(how: string): CopyError {
  return new CopyError(
    "copy.unsupported",
    `layers cannot be ${how} on their way to this destination`,
    { hint: "Name a file instead of a pipe, or say with --tmpdir where it may be put aside" },
  );
}

/** The layers as the manifest lists them, base first. */
export function layersOf(image: ParsedImage): readonly Descriptor[] {
  return image.kind === "image" ? image.manifest.layers : image.schema1.layers;
}

/** The blobs that the source gives for the layers, one for each that the manifest lists. */
export function blobsOf(image: ParsedImage): readonly Descriptor[] {
  return image.held ?? layersOf(image);
}

/** Whether the layer is to be had from its URLs, and need not be in the registry. */
export function isForeign({ mediaType, urls }: Descriptor): boolean {
  return (urls?.length ?? 0) > 0 && /foreign|nondistributable/.test(mediaType);
}

function placedLayers(
  image: ParsedImage,
  { keepsForeignLayers, layerPlaces }: DestinationTraits,
): readonly { readonly blob: HeldLayer; readonly place: BlobPlace }[] {
  const distinct = new Map<string, { readonly blob: HeldLayer; readonly positions: number[] }>();
  for (const [position, blob] of blobsOf(image).entries()) {
    if (keepsForeignLayers && isForeign(blob)) continue;
    const key = layerPlaces === "each" ? String(position) : blob.digest;
    const known = distinct.get(key);
    if (known) known.positions.push(position);
    else distinct.set(key, { blob, positions: [position] });
  }
  const role = image.kind === "image" && isArtifact(image.manifest) ? "other" : "layer";
  return [...distinct.values()].map(({ blob, positions }) => ({
    blob,
    place: { role, positions },
  }));
}

/** What the layer was unpacked from will do where it is packed as wished. */
function insteadOf(
  { packed }: HeldLayer,
  { layers, compression }: LayerWish,
): Pick<PlannedLayer, "instead"> {
  if (!packed || layers !== "compressed") return {};
  const { format } = compression;
  return format === undefined || format === packed.compression ? { instead: packed } : {};
}

function isChangeable(image: ParsedImage, blob: Descriptor): boolean {
  if (image.kind === "schema1") return true;
  return !isArtifact(image.manifest) && isRecompressible(blob.mediaType);
}

/** Under `--dest-force-compress-format` a held blob of another compression is no substitute. */
function isForcedAway(options: CopyOptions, blob: Descriptor): boolean {
  const { force, format } = options.compression;
  return force && format !== undefined && !isPackedAs(format, blob);
}

/** Whether a layer is said to be compressed so already. */
function isPackedAs(format: WritableFormat, { mediaType, annotations }: Descriptor): boolean {
  if (format === "gzip") return mediaType.endsWith("gzip");
  return mediaType.endsWith("+zstd") && (format === "zstd" || isChunked(annotations));
}
