import { constants } from "node:fs";
import { closeFile, openAt, openInRoot, type PathBytes } from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { kernelPath } from "../unpack/folders.ts";

const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Paths may be longer than the kernel takes at once. */
const mostBytes = 4000;

/** A folder in an open folder, no link followed. @throws {SystemCallError} */
export function openFolderAt(dir: number, name: PathBytes): number {
  return openAt(dir, name, flags);
}

/** The same; undefined where the name is no folder's. @throws {SystemCallError} */
export function openIfFolder(dir: number, name: PathBytes): number | undefined {
  try {
    return openFolderAt(dir, name);
  } catch (error) {
    const { code } = error as SystemCallError;
    if (error instanceof SystemCallError && (code === "ENOTDIR" || code === "ELOOP")) return;
    throw error;
  }
}

/** A folder any number of levels below an open one, "" being that itself; no link is followed. @throws {SystemCallError} */
export function openFolderBelow(root: number, path: ByteString): number {
  let folder = openFolderAt(root, ".");
  for (let rest = path; rest !== ""; ) {
    const end = rest.length <= mostBytes ? rest.length : rest.lastIndexOf("/", mostBytes);
    const next = openInRoot(folder, kernelPath(rest.slice(0, end)), { flags, noSymlinks: true });
    closeFile(folder);
    if (next < 0) throw new SystemCallError("openat2", -next, rest);
    folder = next;
    rest = rest.slice(end + 1);
  }
  return folder;
}
