import { unlink } from "node:fs/promises";
import { maxManifestBytes } from "../core/manifest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { readSmallFile } from "./blob-file.ts";
import { type ChosenEntry, removeEntry } from "./entries.ts";
import { LayoutError, unless, writing } from "./errors.ts";
import {
  type LayoutEntry,
  type LayoutIndex,
  parseBlobDigests,
  parseLayoutIndex,
} from "./index-file.ts";
import { blobPath, entryDigest, type LayoutPaths, readLayoutIndex } from "./layout-folder.ts";
import { type UpdateOptions, updateLayoutIndex } from "./update-index.ts";

/**
 * Takes an entry out of index.json, and then the blobs that no other entry needs. Never from a shared folder of blobs:
 * which other layouts use it is not known.
 *
 * @throws {LayoutError} `layout.unsupported` before anything changes, where an entry is of a kind that we cannot follow;
 * `layout.missing`, `layout.invalid`, `layout.busy`, `layout.unwritable`
 */
export async function removeImage(
  paths: LayoutPaths,
  options: UpdateOptions,
  choose: (index: LayoutIndex) => ChosenEntry,
): Promise<void> {
  choose(await readLayoutIndex(paths)); // what is not there is not locked
  await updateLayoutIndex(paths, options, async (index) => {
    const { entry, position } = choose(index);
    const rest = removeEntry(index, position);
    const garbage = await referencedBy(paths, [entry]);
    for (const digest of await referencedBy(paths, rest.manifests ?? [])) garbage.delete(digest);
    const doomed = [...garbage].map((digest) =>
      blobPath({ folder: paths.folder }, entryDigest(digest)),
    );
    return { index: rest, ending: "\n", after: () => unlinkAll(doomed) };
  });
}

async function unlinkAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await writing(`remove ${path}`, () => unless(["ENOENT"], () => unlink(path)));
  }
}

/** The digests of all that hangs on `entries`, their own included. Each manifest is read once, however often named. */
async function referencedBy(
  paths: LayoutPaths,
  entries: readonly LayoutEntry[],
): Promise<Set<string>> {
  const found = new Set<string>();
  const left = [...entries];
  for (let entry = left.pop(); entry; entry = left.pop()) {
    if (found.has(entry.digest)) continue;
    found.add(entry.digest);
    const path = blobPath(paths, entryDigest(entry.digest));
    if (entry.mediaType === mediaTypes.ociManifest) {
      const blobs = parseBlobDigests(await readSmallFile(path, maxManifestBytes));
      for (const digest of blobs) found.add(digest);
    } else if (entry.mediaType === mediaTypes.ociIndex) {
      left.push(...(parseLayoutIndex(await readSmallFile(path, maxManifestBytes)).manifests ?? []));
    } else {
      throw new LayoutError(
        "layout.unsupported",
        `unsupported mediaType in index: ${JSON.stringify(entry.mediaType)}`,
      );
    }
  }
  return found;
}
