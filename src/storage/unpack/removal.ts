import { constants, readdirSync } from "node:fs";
import { constants as system } from "node:os";
import { at, closeFile, isSymlinkAt, openInRoot, unlinkAt } from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { BaseTree } from "./base-tree.ts";
import { type Folders, kernelPath } from "./folders.ts";
import { type Place, realPlace } from "./place.ts";

/** What is asked before a file is removed, for whoever wants to keep what is in it. */
export type BeforeRemoval = (path: ByteString) => void;

/** What a removal has to do with besides the tree. */
export interface RemovalScene {
  readonly before: BeforeRemoval;
  /** The tree below loses what is removed, too. */
  readonly base: BaseTree;
}

/** Takes things out of a tree. */
export class Removal {
  readonly #root: number;
  readonly #folders: Folders;
  readonly #before: BeforeRemoval;
  readonly #base: BaseTree;

  constructor(root: number, folders: Folders, { before, base }: RemovalScene) {
    this.#root = root;
    this.#folders = folders;
    this.#before = before;
    this.#base = base;
  }

  /** Removes what is there, if anything, with all that is in it. @throws {SystemCallError} */
  remove(place: Place): void {
    const path = realPlace(place);
    this.#base.hide(path);
    const names = this.#list(path);
    if (names) {
      this.#folders.forget();
      this.#removeFolder(path, names);
      return;
    }
    const link = isSymlinkAt(place.folder.fd, place.leaf);
    if (!link) this.#before(path);
    unlinkAt(place.folder.fd, place.leaf);
    if (link) this.#folders.forget();
  }

  /** Removes from a folder what `keeps` does not want kept, and keeps folders that something kept is in. */
  prune(path: ByteString, keeps: (path: ByteString) => boolean): void {
    this.#base.hideWithin(path);
    this.#folders.forget();
    this.#pruneFolder(path, keeps);
  }

  #pruneFolder(path: ByteString, keeps: (path: ByteString) => boolean): boolean {
    let empty = true;
    for (const name of this.#list(path) ?? []) {
      const inside = path === "" ? name : `${path}/${name}`;
      const below = this.#list(inside) !== undefined;
      if (below && !this.#pruneFolder(inside, keeps)) empty = false;
      else if (keeps(inside)) empty = false;
      else this.#unlink(inside, below);
    }
    return empty;
  }

  #removeFolder(path: ByteString, names: readonly ByteString[]): void {
    for (const name of names) {
      const inside = `${path}/${name}`;
      const below = this.#list(inside);
      if (below) this.#removeFolder(inside, below);
      else this.#unlink(inside, false);
    }
    this.#unlink(path, true);
  }

  /** Paths as they really are: no link is on them, and none is followed. */
  #unlink(path: ByteString, folder: boolean): void {
    if (folder) this.#base.lose(path);
    else this.#before(path);
    unlinkAt(this.#root, kernelPath(path), folder ? at.removeDir : 0);
  }

  /** The names in a folder; undefined where there is no folder. No descriptor stays open on the way down. */
  #list(path: ByteString): readonly ByteString[] | undefined {
    const flags = constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const fd = openInRoot(this.#root, kernelPath(path || "."), { flags, noSymlinks: true });
    if (fd < 0) return noFolder(-fd, path);
    try {
      return readdirSync(`/proc/self/fd/${fd}`, { encoding: "latin1" });
    } finally {
      closeFile(fd);
    }
  }
}

function noFolder(errno: number, path: ByteString): undefined {
  const { ENOTDIR, ENOENT, ELOOP } = system.errno;
  if (errno === ENOTDIR || errno === ENOENT || errno === ELOOP) return;
  throw new SystemCallError("openat2", errno, path);
}
