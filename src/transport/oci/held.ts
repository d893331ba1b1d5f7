import { stat } from "node:fs/promises";
import type { Descriptor } from "../../core/descriptor.ts";
import { KnownError } from "../../core/errors.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { maxManifestBytes, readRawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { readSmallFile } from "../../layout/blob-file.ts";
import { nameOf } from "../../layout/entries.ts";
import { reading, unless } from "../../layout/errors.ts";
import {
  blobPath,
  entryDigest,
  type LayoutPaths,
  readLayoutIndex,
} from "../../layout/layout-folder.ts";
import type { OciLocation } from "../../layout/location.ts";
import type { HeldManifest } from "../contract/transport.ts";

/** Indexes within indexes: more than anybody makes. */
const deepest = 4;

/**
 * What a name of a layout stands for, where all that belongs to it is there: then a copy of the very same has nothing to bring.
 * Undefined where anything is missing, or in doubt: who writes it finds out. Blobs of the right length are taken for the right
 * ones, as they are when they are written.
 */
export async function heldByLayout(
  paths: LayoutPaths,
  { name, position, digest }: OciLocation,
): Promise<HeldManifest | undefined> {
  if (name === undefined || position !== undefined || digest !== undefined) return undefined;
  try {
    const { manifests } = await readLayoutIndex(paths);
    const [entry, ...more] = (manifests ?? []).filter((each) => nameOf(each) === name);
    if (!entry || more.length > 0) return undefined;
    const { mediaType, size } = entry;
    const top = { mediaType, digest: entryDigest(entry.digest), size: Number(size) };
    if (!(await isMarked(paths)) || !(await isWhole(paths, top, 0))) return undefined;
    return { mediaType, digest: top.digest, signed: async () => false };
  } catch (error) {
    if (error instanceof KnownError) return undefined; // told by who writes there, or reads
    throw error;
  }
}

/** Whether it says that it is a layout: a copy would see to that. */
async function isMarked({ folder }: LayoutPaths): Promise<boolean> {
  return (await sizeOf(`${folder}/oci-layout`)) !== undefined;
}

/** Whether a manifest is there with all that it names, of an index every image too. */
async function isWhole(
  paths: LayoutPaths,
  { digest, mediaType, size }: Descriptor,
  depth: number,
): Promise<boolean> {
  const bytes = await readSmallFile(blobPath(paths, digest), maxManifestBytes);
  const manifest = readRawManifest(bytes, { contentType: mediaType, digest });
  if (bytes.byteLength !== size || depth > deepest) return false;
  if (!isIndexType(manifest.mediaType)) return await hasBlobs(paths, parseImageManifest(manifest));
  const { instances, subject } = parseIndexManifest(manifest);
  if (subject) return false; // a copy would list it with what refers to that
  for (const instance of instances) {
    if (!(await isWhole(paths, instance, depth + 1))) return false;
  }
  return true;
}

async function hasBlobs(
  paths: LayoutPaths,
  { config, layers, subject }: ReturnType<typeof parseImageManifest>,
): Promise<boolean> {
  if (subject) return false;
  for (const { digest, size, urls } of [config, ...layers]) {
    if (urls !== undefined || (await sizeOf(blobPath(paths, digest))) !== size) return false;
  }
  return true;
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await reading(`stat ${path}`, () => unless(["ENOENT"], () => stat(path)));
  return found?.isFile() ? found.size : undefined;
}
