import { join } from "node:path";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { makeFolders } from "../core/make-folders.ts";
import { readSmallFile } from "./blob-file.ts";
import { LayoutError, writing } from "./errors.ts";
import { emptyIndex, type LayoutIndex, parseLayoutIndex } from "./index-file.ts";
import type { IndexMemory } from "./index-memory.ts";
import type { OwnProcess } from "./owner.ts";
import { replaceFile } from "./replace-file.ts";

/** Room for some 300,000 entries: index.json is a folder's own, and no manifest. */
export const maxIndexBytes = 128 * 1024 * 1024;

/** The whole of the file oci-layout, as skopeo writes it. */
export const layoutFile = '{"imageLayoutVersion":"1.0.0"}';

/** Where the parts of a layout are — OCI image-spec, image-layout.md. */
export interface LayoutPaths {
  /** The folder, spelled as it shall stand in messages. */
  readonly folder: string;
  /** Holds `<algorithm>/<hex>` in place of the folder's own `blobs`. */
  readonly sharedBlobs?: string | undefined;
  /** Where many images of one layout are seen to. */
  readonly memory?: IndexMemory;
}

/** Where index.json is. */
export function indexPath(paths: LayoutPaths): string {
  return join(paths.folder, "index.json");
}

/** Where a blob is, or would be: in the shared folder where there is one. */
export function blobPath(paths: LayoutPaths, digest: Digest): string {
  const blobs = paths.sharedBlobs ?? join(paths.folder, "blobs");
  return join(blobs, algorithmOf(digest), hexOf(digest));
}

/** The digest that an entry gives, which nobody has checked so far. */
export function entryDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const message = `unexpected digest reference ${text}: ${error.message}`;
    throw new LayoutError("layout.invalid", message, { cause: error });
  }
}

/** @throws {LayoutError} `layout.missing`, `layout.unreadable`, `layout.invalid` */
export async function readLayoutIndex(paths: LayoutPaths): Promise<LayoutIndex> {
  const path = indexPath(paths);
  const bytes = await readSmallFile(path, maxIndexBytes);
  return paths.memory?.parsed(path, bytes) ?? parseLayoutIndex(bytes);
}

/** As {@link readLayoutIndex}; an index.json that is not there yet is empty. */
export async function readOrNewIndex(paths: LayoutPaths): Promise<LayoutIndex> {
  try {
    return await readLayoutIndex(paths);
  } catch (error) {
    if (error instanceof LayoutError && error.code === "layout.missing") return emptyIndex;
    throw error;
  }
}

/** Makes the folder, and `blobs` in it, which stays empty where blobs are shared. */
export async function makeLayoutFolder(paths: LayoutPaths): Promise<void> {
  for (const path of [paths.folder, join(paths.folder, "blobs")]) {
    await writing(`mkdir ${path}`, () => makeFolders(path, 0o755));
  }
}

/** Says that the folder is a layout, unless it does already. */
export async function markAsLayout(paths: LayoutPaths, self: OwnProcess): Promise<void> {
  const path = join(paths.folder, "oci-layout");
  const bytes = Buffer.from(layoutFile);
  if (await holds(path, bytes)) return;
  await replaceFile(path, bytes, self);
}

async function holds(path: string, bytes: Buffer): Promise<boolean> {
  try {
    return bytes.equals(await readSmallFile(path, 1024));
  } catch (error) {
    if (error instanceof KnownError) return false; // missing, or too long to be it: to be written
    throw error;
  }
}
