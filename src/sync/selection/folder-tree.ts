import { lstat, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SyncError } from "../errors.ts";

/** A folder that holds an image, as `dir:` keeps one. */
export interface ImageFolder {
  /** From the root. */
  readonly path: string;
  /** Below the folder that was asked for; "" for itself. */
  readonly below: string;
}

const maxFolders = 1_000_000;
const maxDepth = 64;

/**
 * The folders at and below `folder` that hold a `manifest.json`, in the order of their names; nothing is looked for inside
 * those, and links are not followed — `specs/skopeo-cli.md` 1.10.
 *
 * @throws {SyncError} `sync.no-listing` where a folder cannot be read
 */
export async function listImageFolders(folder: string): Promise<readonly ImageFolder[]> {
  const root = resolve(folder);
  const found: ImageFolder[] = [];
  const waiting: string[] = [""];
  for (let seen = 0; waiting.length > 0; seen++) {
    const below = waiting.pop() ?? "";
    const path = join(root, below);
    if (seen > maxFolders || below.split("/").length > maxDepth)
      throw new SyncError("sync.no-listing", `${root} has too many folders to look through`);
    if (await holdsManifest(path)) found.push({ path, below });
    else for (const name of (await foldersIn(path)).toReversed()) waiting.push(join(below, name));
  }
  return found;
}

async function holdsManifest(path: string): Promise<boolean> {
  try {
    return (await lstat(join(path, "manifest.json"))).isFile();
  } catch {
    return false; // whether it can be read is told by whoever reads it
  }
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SyncError("sync.no-listing", `${path} cannot be looked through: ${why}`, { cause });
  }
}
