import { constants, openSync, readdirSync } from "node:fs";
import {
  closeFile,
  createAt,
  linkAt,
  makeFolderAt,
  makeNodeAt,
  makeSymlinkAt,
  openAt,
  type PathBytes,
  readLinkAt,
} from "../libc/at.ts";
import { SystemCallError } from "../libc/libc.ts";
import { type FileFacts, fileType, statAt } from "../libc/stat-at.ts";
import type { ByteString } from "../stream/tar/byte-string.ts";
import { AttributeCopy, type AttributeOptions } from "./copy-attributes.ts";
import { ContentCopy } from "./copy-content.ts";
import type { TreeCover } from "./tree-cover.ts";
import { kernelPath } from "./unpack/folders.ts";

/** How a tree is copied. */
export interface CopyTreeOptions extends AttributeOptions {
  readonly signal: AbortSignal;
  /** What of the tree is not wanted; else all that has no name in the folder yet. */
  readonly cover?: TreeCover;
}

/**
 * Copies a tree into a folder, below what is there: what has a name already stays, and so do attributes of folders that both have
 * but for those that are only implied. Contents are shared where the file system can; owners, modes, times, extended attributes,
 * hard links, devices and names of any bytes are kept. No link is followed in either tree. Nobody else may be changing the folder.
 *
 * @returns false where it stopped because an implied folder is something else in the tree
 * @throws what the system says, as node:fs does
 */
export async function copyTree(
  from: string,
  to: string,
  options: CopyTreeOptions,
): Promise<boolean> {
  const roots = [openSync(from, folderFlags), openSync(to, folderFlags)] as const;
  try {
    await new TreeCopy(roots, options).all();
    return true;
  } catch (error) {
    if (error instanceof NotAFolder) return false;
    throw error;
  } finally {
    roots.forEach(closeFile);
  }
}

/** What was taken for a folder is none. */
class NotAFolder extends Error {}

const allOfIt: TreeCover = {
  hidden: new Set(),
  opaque: new Set(),
  implied: new Map([["", "bare"]]),
};

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Not to wait for whoever opens the other end, should it have become a FIFO. */
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The same folder in both trees, open. */
interface Folder {
  readonly from: number;
  readonly to: number;
  /** From the root. */
  readonly path: ByteString;
  /** Of the copy. */
  readonly gid: number;
}

/** A name in it. */
interface Entry {
  readonly folder: Folder;
  readonly name: PathBytes;
  readonly path: ByteString;
  readonly facts: FileFacts;
}

/** Other work of this process is let in this often. */
const turnMs = 10;

const self = ".";

/** Folders stay open on the way down: two descriptors a level. */
class TreeCopy {
  readonly #root: Folder;
  readonly #options: CopyTreeOptions;
  readonly #cover: TreeCover;
  readonly #contents = new ContentCopy();
  readonly #attributes: AttributeCopy;
  /** Where files that have several names were copied to. */
  readonly #copied = new Map<string, ByteString>();
  #turnEnd = performance.now() + turnMs;

  constructor([from, to]: readonly [number, number], options: CopyTreeOptions) {
    this.#root = { from, to, path: "", gid: statAt(to, self).gid };
    this.#options = options;
    this.#cover = options.cover ?? allOfIt;
    this.#attributes = new AttributeCopy(options);
  }

  async all(): Promise<void> {
    await this.#inside(this.#root, statAt(this.#root.from, self), false);
  }

  async #entries(folder: Folder): Promise<void> {
    const { from, path, to } = folder;
    const { hidden, implied, opaque } = this.#cover;
    if (opaque.has(path)) return;
    for (const name of readdirSync(`/proc/self/fd/${from}`, { encoding: "latin1" })) {
      if (performance.now() > this.#turnEnd) await this.#letOthersIn();
      const inside = path === "" ? name : `${path}/${name}`;
      const key = kernelPath(name);
      const facts = statAt(from, key);
      const entry = { folder: { from, to, path, gid: folder.gid }, name: key, path: inside, facts };
      const isFolder = (facts.mode & fileType.mask) === fileType.folder;
      if (!isFolder && implied.has(inside)) throw new NotAFolder();
      if (hidden.has(inside)) continue;
      const rest = isFolder ? this.#folder(entry) : this.#make(entry);
      if (rest) await rest;
    }
  }

  async #folder(entry: Entry): Promise<void> {
    const { folder, name, path, facts } = entry;
    const isNew = makeFolderAt(folder.to, name, 0o700) === "done";
    const to = openFolder(folder.to, name);
    if (to === undefined) return; // something else has the name
    const from = openAt(folder.from, name, folderFlags);
    try {
      const inside = { from, to, path, gid: statAt(to, self).gid };
      await this.#inside(inside, facts, isNew);
    } finally {
      closeFile(from);
      closeFile(to);
    }
  }

  /** What is in a folder, then its attributes: what is put into it changes its times. */
  async #inside(folder: Folder, facts: FileFacts, isNew: boolean): Promise<void> {
    const { from, to, path } = folder;
    const own = statAt(to, self);
    await this.#entries(folder);
    if (isNew || this.#cover.implied.get(path) === "bare")
      return this.#attributes.toOpen(from, to, facts);
    if (!this.#cover.opaque.has(path)) this.#attributes.missingXattrs(from, to);
    this.#attributes.times(to, own);
  }

  /** Anything but a folder; gives what is left of a big file. */
  #make(entry: Entry): Promise<void> | undefined {
    const { folder, name, facts } = entry;
    const type = facts.mode & fileType.mask;
    if (facts.links > 1 && this.#link(entry)) return;
    if (type === fileType.file) return this.#file(entry);
    const outcome =
      type === fileType.symlink
        ? makeSymlinkAt(readLinkAt(folder.from, name), folder.to, name)
        : this.#node(entry);
    if (outcome !== "done") return;
    this.#remember(entry);
    this.#attributes.toName({ dir: folder.from, name }, { dir: folder.to, name }, facts);
    return;
  }

  /** True where the file was met before under another name. */
  #link({ folder, name, facts }: Entry): boolean {
    const first = this.#copied.get(facts.identity);
    if (first === undefined) return false;
    linkAt(this.#root.to, kernelPath(first), folder.to, name);
    return true;
  }

  #remember({ path, facts }: Entry): void {
    if (facts.links > 1) this.#copied.set(facts.identity, path);
  }

  /** A device, FIFO or socket. */
  #node({ folder, name, facts }: Entry): "done" | "exists" | "missing" {
    const type = facts.mode & fileType.mask;
    const isDevice = type === fileType.character || type === fileType.block;
    if (isDevice && this.#options.userNamespace) return "missing";
    return makeNodeAt(folder.to, name, facts.mode, isDevice ? facts.device : 0n);
  }

  #file(entry: Entry): Promise<void> | undefined {
    const { folder, name, facts } = entry;
    const to = createAt(folder.to, name);
    if (to === undefined) return; // covered
    this.#remember(entry);
    using stack = new DisposableStack();
    stack.adopt(to, closeFile);
    const from = stack.adopt(openAt(folder.from, name, fileFlags), closeFile);
    const rest = this.#contents.copy(from, to, facts.size);
    const end = () => this.#attributes.toNewFile(from, to, facts, folder.gid);
    if (rest) return this.#later(rest, end, stack.move());
    end();
    return;
  }

  async #later(rest: Iterable<void>, end: () => void, files: Disposable): Promise<void> {
    using _ = files;
    for (const __ of rest) if (performance.now() > this.#turnEnd) await this.#letOthersIn();
    end();
  }

  async #letOthersIn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#options.signal.throwIfAborted();
    this.#turnEnd = performance.now() + turnMs;
  }
}

/** Undefined where the name is no folder's. */
function openFolder(dir: number, name: PathBytes): number | undefined {
  try {
    return openAt(dir, name, folderFlags);
  } catch (error) {
    const { code } = error as SystemCallError;
    if (error instanceof SystemCallError && (code === "ENOTDIR" || code === "ELOOP")) return;
    throw error;
  }
}
