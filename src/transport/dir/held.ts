import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { maxManifestBytes, readRawManifest } from "../../core/manifest.ts";
import { isBlobFile, readSmallFile, sizeOfFile } from "../../layout/blob-file.ts";
import { reading, unless } from "../../layout/errors.ts";
import { isUnfinishedName } from "../../layout/unfinished.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { HeldManifest } from "../contract/transport.ts";
import { type HeldFiles, isWhole } from "../whole-image.ts";
import { blobFile, instanceFile, manifestFile, versionFile, versionText } from "./file-names.ts";

/**
 * The image in a folder, where all that belongs to it is there and nothing else: then a copy of the very same would leave the
 * folder as it is. Undefined where anything is missing, left over or in doubt. An image with signatures is: a copy brings those
 * that there are now, and no others.
 */
export async function heldByFolder(folder: string): Promise<HeldManifest | undefined> {
  const named = new Set<Digest>();
  const blobs: Descriptor[] = [];
  const known = new Set([versionFile, manifestFile]);
  const files: HeldFiles = {
    listsReferrers: false,
    async hasBlob(blob) {
      const { digest, size } = blob;
      blobs.push(blob);
      named.add(digest);
      known.add(blobFile(digest));
      return (await sizeOfFile(join(folder, blobFile(digest)))) === size;
    },
    async readManifest({ digest, size }) {
      named.add(digest);
      known.add(instanceFile(digest));
      const bytes = await readSmallFile(join(folder, instanceFile(digest)), maxManifestBytes);
      const manifest = readRawManifest(bytes, { digest });
      return bytes.byteLength === size ? manifest : undefined;
    },
  };
  try {
    const names = await reading(`open ${folder}`, () => unless(["ENOENT"], () => readdir(folder)));
    if (!names?.includes(manifestFile)) return undefined;
    const top = readRawManifest(await readSmallFile(join(folder, manifestFile), maxManifestBytes));
    const version = await readSmallFile(join(folder, versionFile), maxManifestBytes);
    if (!(await isWhole(files, top)) || version.toString() !== versionText(named)) return undefined;
    if (names.some((name) => !known.has(name) && !isUnfinishedName(name))) return undefined;
    return {
      mediaType: top.mediaType,
      digest: top.digest,
      signed: async () => false,
      isReplacedWhole: true,
      isIntact: async (call) => await areSound(folder, blobs, call),
    };
  } catch (error) {
    if (error instanceof KnownError) return undefined; // told by who writes there
    throw error;
  }
}

/** Whether blobs are what their names say; their lengths are. */
async function areSound(
  folder: string,
  blobs: readonly Descriptor[],
  call: CallOptions,
): Promise<boolean> {
  const read = new Set<Digest>();
  for (const blob of blobs) {
    if (read.has(blob.digest)) continue;
    read.add(blob.digest);
    if (!(await isBlobFile(join(folder, blobFile(blob.digest)), blob, call))) return false;
  }
  return true;
}
