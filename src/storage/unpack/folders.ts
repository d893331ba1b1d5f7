import { constants, fstatSync, readlinkSync } from "node:fs";
import { constants as system } from "node:os";
import {
  at,
  chmodAt,
  chownAt,
  closeFile,
  makeFolderAt,
  openAt,
  openInRoot,
  type PathBytes,
} from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import { type ByteString, isAscii } from "../../stream/tar/byte-string.ts";
import type { BaseTree } from "./base-tree.ts";
import { baseOf, parentOf } from "./entry-name.ts";
import { UnpackError } from "./errors.ts";
import { defaultLimits } from "./limits.ts";

/** A folder of the tree that is open. */
export interface OpenFolder {
  readonly fd: number;
  /** Where it really is, from the root. */
  readonly path: ByteString;
  /** No link was followed on the way: the path that was asked for is where it is. */
  readonly straight: boolean;
  /** Its group: where that is the process' own, new files get that whatever the rules of the folder and the mount. */
  readonly gid: number;
}

/** A name or path as the kernel takes it. */
export function kernelPath(path: ByteString): PathBytes {
  return isAscii(path) ? path : Buffer.from(`${path}\0`, "latin1");
}

const folderFlags = at.path | constants.O_DIRECTORY;

const deepestBytes = defaultLimits.maxNameBytes;

/** Most entries of a tar lie in the folder that the one before lies in, or in one beside it. */
const mostOpen = 12;

/**
 * The folders of a tree by their path, as it is seen from within: a link's `/` is the tree's root, and `..` does not leave it.
 * Keeps the last ones open; {@link forget} has to be called when a folder or link goes away, or a folder's group changes.
 */
export class Folders {
  readonly #root: OpenFolder;
  readonly #rootPath: Buffer;
  readonly #base: BaseTree;
  readonly #owned: boolean;
  readonly #open = new Map<ByteString, OpenFolder>();
  #last: OpenFolder | undefined;
  #made = 0;

  /**
   * @param owned folders that are made on the way are given to root
   */
  constructor(root: number, base: BaseTree, owned: boolean) {
    this.#root = { fd: root, path: "", straight: true, gid: -1 };
    this.#rootPath = realPath(root);
    this.#base = base;
    this.#owned = owned;
  }

  /** How many were made on the way to entries in them. */
  get made(): number {
    return this.#made;
  }

  /** The folder at a path, made if there is nothing, with those it lies in. @throws {SystemCallError} */
  open(path: ByteString): OpenFolder {
    const found = this.#lookUp(path);
    if (typeof found !== "number") return found;
    if (found !== system.errno.ENOENT) throw new SystemCallError("openat2", found, path);
    return this.#remember(path, this.#make(this.open(parentOf(path)), path));
  }

  #make(parent: OpenFolder, path: ByteString): OpenFolder {
    const name = kernelPath(baseOf(path));
    const place = pathIn(parent, baseOf(path));
    if (makeFolderAt(parent.fd, name, 0o755) !== "done") {
      throw new UnpackError("storage.bad-layer", `a link to nothing is in the way at ${path}`);
    }
    this.#made += 1;
    this.#base.imply(place);
    chmodAt(parent.fd, name, 0o755);
    if (this.#owned) chownAt(parent.fd, name, 0, 0);
    const fd = openAt(parent.fd, name, folderFlags | constants.O_NOFOLLOW);
    return { fd, path: place, straight: parent.straight, gid: groupOf(fd) };
  }

  /** The folder at a path, or undefined where there is none. */
  find(path: ByteString): OpenFolder | undefined {
    const found = this.#lookUp(path);
    return typeof found === "number" ? undefined : found;
  }

  /** Paths may lead elsewhere from now on. */
  forget(): void {
    for (const { fd } of this.#open.values()) closeFile(fd);
    this.#open.clear();
    this.#last = undefined;
  }

  /** A folder that is open already or can be opened; else the errno. */
  #lookUp(path: ByteString): OpenFolder | number {
    if (path === "") return this.#root;
    const known = this.#open.get(path);
    if (known) return this.#used(path, known);
    const opened = this.#resolve(path);
    return typeof opened === "number" ? opened : this.#remember(path, opened);
  }

  #remember(path: ByteString, folder: OpenFolder): OpenFolder {
    this.#closeOldest();
    return this.#used(path, folder);
  }

  /** Those used last are closed last: a place in one folder stays while the place in another is looked up. */
  #used(path: ByteString, folder: OpenFolder): OpenFolder {
    if (folder === this.#last) return folder;
    this.#open.delete(path);
    this.#open.set(path, folder);
    this.#last = folder;
    return folder;
  }

  #resolve(path: ByteString): OpenFolder | number {
    const name = kernelPath(path);
    const fd = openInRoot(this.#root.fd, name, { flags: folderFlags, noSymlinks: true });
    if (fd >= 0) return { fd, path, straight: true, gid: groupOf(fd) };
    if (-fd !== system.errno.ELOOP) return -fd;
    const followed = openInRoot(this.#root.fd, name, { flags: folderFlags });
    if (followed < 0) return -followed;
    const place = this.#placeOf(followed);
    return { fd: followed, path: place, straight: false, gid: groupOf(followed) };
  }

  #placeOf(fd: number): ByteString {
    return checkedDepth(realPath(fd).toString("latin1", this.#rootPath.byteLength + 1));
  }

  #closeOldest(): void {
    if (this.#open.size < mostOpen) return;
    for (const [path, { fd }] of this.#open) {
      closeFile(fd);
      this.#open.delete(path);
      return;
    }
  }
}

/** The real path of a name in a folder. */
export function pathIn(folder: OpenFolder, name: ByteString): ByteString {
  return folder.path === "" ? name : checkedDepth(`${folder.path}/${name}`);
}

/** Links lead deeper than names can say: not so deep that whoever deletes the tree by paths cannot. */
function checkedDepth(path: ByteString): ByteString {
  if (path.length <= deepestBytes) return path;
  throw new UnpackError("storage.bad-layer", "links lead deeper than a path can say");
}

function groupOf(fd: number): number {
  return fstatSync(fd).gid;
}

/** Where an open file is, as bytes. */
function realPath(fd: number): Buffer {
  return readlinkSync(`/proc/self/fd/${fd}`, "buffer");
}
