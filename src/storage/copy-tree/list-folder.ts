import { readdirSync } from "node:fs";
import { type FileFacts, fileType, statAt } from "../../libc/stat-at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { kernelPath } from "../unpack/folders.ts";

/** The names in a folder. */
export interface FolderNames {
  readonly folders: readonly ByteString[];
  readonly others: readonly ByteString[];
}

/** What an open folder holds. Most file systems tell the types with the names. */
export function listFolder(folder: number): FolderNames {
  const path = `/proc/self/fd/${folder}`;
  const folders: ByteString[] = [];
  const others: ByteString[] = [];
  try {
    for (const entry of readdirSync(path, { encoding: "latin1", withFileTypes: true }))
      (entry.isDirectory() ? folders : others).push(entry.name);
    return { folders, others };
  } catch {
    // Where they do not, Node asks by paths, which it takes for UTF-8.
    return listByFacts(folder, path);
  }
}

function listByFacts(folder: number, path: string): FolderNames {
  const folders: ByteString[] = [];
  const others: ByteString[] = [];
  for (const name of readdirSync(path, { encoding: "latin1" }))
    (isFolder(statAt(folder, kernelPath(name))) ? folders : others).push(name);
  return { folders, others };
}

function isFolder({ mode }: FileFacts): boolean {
  return (mode & fileType.mask) === fileType.folder;
}
