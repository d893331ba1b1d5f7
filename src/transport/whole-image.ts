import type { Descriptor } from "../core/descriptor.ts";
import { parseImageManifest } from "../core/image-manifest.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";

/** Indexes within indexes: more than anybody makes. */
const deepest = 4;

/** The files of a folder that holds images. */
export interface HeldFiles {
  /** @returns undefined where it is not of the length that the descriptor says, or does not count here */
  readManifest(instance: Descriptor): Promise<RawManifest | undefined>;
  /** Whether it is there, in its length. */
  hasBlob(blob: Descriptor): Promise<boolean>;
  /** Whether a copy would see to what the image refers to, and that cannot be told from its own files. */
  readonly listsReferrers: boolean;
}

/**
 * Whether all that a manifest names is there, of an index every image too.
 *
 * @throws {KnownError} where a manifest is missing, or is none
 */
export async function isWhole(
  files: HeldFiles,
  manifest: RawManifest,
  depth = 0,
): Promise<boolean> {
  if (depth > deepest) return false;
  if (!isIndexType(manifest.mediaType)) return await hasBlobs(files, parseImageManifest(manifest));
  const { instances, subject } = parseIndexManifest(manifest);
  if (subject && files.listsReferrers) return false;
  for (const instance of instances) {
    const held = await files.readManifest(instance);
    if (!held || !(await isWhole(files, held, depth + 1))) return false;
  }
  return true;
}

async function hasBlobs(
  files: HeldFiles,
  { config, layers, subject }: ReturnType<typeof parseImageManifest>,
): Promise<boolean> {
  if (subject && files.listsReferrers) return false;
  for (const blob of [config, ...layers]) {
    if (blob.urls !== undefined || !(await files.hasBlob(blob))) return false;
  }
  return true;
}
