import { KnownError } from "../../core/errors.ts";
import { maxManifestBytes, readRawManifest } from "../../core/manifest.ts";
import { readSmallFile, sizeOfFile } from "../../layout/blob-file.ts";
import { nameOf } from "../../layout/entries.ts";
import {
  blobPath,
  entryDigest,
  type LayoutPaths,
  readLayoutIndex,
} from "../../layout/layout-folder.ts";
import type { OciLocation } from "../../layout/location.ts";
import type { HeldManifest } from "../contract/transport.ts";
import { type HeldFiles, isWhole } from "../whole-image.ts";

/**
 * What a name of a layout stands for, where all that belongs to it is there: then a copy of the very same has nothing to bring.
 * Undefined where anything is missing, or in doubt: who writes it finds out.
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
    const files = filesOf(paths);
    const top = { mediaType, digest: entryDigest(entry.digest), size: Number(size) };
    const manifest = (await isMarked(paths)) && (await files.readManifest(top));
    if (!manifest || !(await isWhole(files, manifest))) return undefined;
    return { mediaType, digest: top.digest, signed: async () => false };
  } catch (error) {
    if (error instanceof KnownError) return undefined; // told by who writes there, or reads
    throw error;
  }
}

/** Whether it says that it is a layout: a copy would see to that. */
async function isMarked({ folder }: LayoutPaths): Promise<boolean> {
  return (await sizeOfFile(`${folder}/oci-layout`)) !== undefined;
}

/** What has a subject gets an entry of its own, listed with what refers to that. */
function filesOf(paths: LayoutPaths): HeldFiles {
  return {
    listsReferrers: true,
    hasBlob: async ({ digest, size }) => (await sizeOfFile(blobPath(paths, digest))) === size,
    async readManifest({ digest, mediaType, size }) {
      const bytes = await readSmallFile(blobPath(paths, digest), maxManifestBytes);
      const manifest = readRawManifest(bytes, { contentType: mediaType, digest });
      return bytes.byteLength === size ? manifest : undefined;
    },
  };
}
