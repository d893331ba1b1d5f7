import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing. Not Node's `recursive`, which tries for ever where a file system
 * takes no folders and says ENOENT for it, as /proc does (seen with Node 26).
 */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  if (await isMade(path, mode)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent, mode);
  if (!(await isMade(path, mode))) await mkdir(path, { mode });
}

/** False where a folder above is missing, or will not have it. */
async function isMade(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return false;
    if (code === "EEXIST" && (await isFolder(path))) return true;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() === true;
}
