import type { PathBytes } from "../../libc/at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { baseOf, parentOf } from "./entry-name.ts";
import { type Folders, kernelPath, type OpenFolder, pathIn } from "./folders.ts";

/** A name in a folder that is open: where an entry is made. */
export interface Place {
  readonly folder: OpenFolder;
  readonly leaf: PathBytes;
  /** The path that was asked for; where it is, {@link realPlace} says. */
  readonly path: ByteString;
}

/** The place of a path, in a folder that is made if need be. */
export function placeFor(folders: Folders, path: ByteString): Place {
  return { folder: folders.open(parentOf(path)), leaf: kernelPath(baseOf(path)), path };
}

/** The place of a path whose folder is there. */
export function placeOf(folders: Folders, path: ByteString): Place | undefined {
  const folder = folders.find(parentOf(path));
  return folder && { folder, leaf: kernelPath(baseOf(path)), path };
}

/** The path from the root, links resolved. */
export function realPlace({ folder, path }: Place): ByteString {
  return folder.straight ? path : pathIn(folder, baseOf(path));
}
