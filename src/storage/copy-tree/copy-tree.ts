import { constants, openSync } from "node:fs";
import { closeFile, makeFolderAt } from "../../libc/at.ts";
import { type FileFacts, statAt } from "../../libc/stat-at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TreeCover } from "../tree-cover.ts";
import { kernelPath } from "../unpack/folders.ts";
import { AttributeCopy, type AttributeOptions } from "./attributes.ts";
import { EntryCopy, type FolderPair } from "./entry-copy.ts";
import { Helper } from "./helper.ts";
import { LinksBetweenCopies } from "./linked-files.ts";
import { listFolder } from "./list-folder.ts";
import { openFolderAt, openFolderBelow, openIfFolder } from "./open-folder.ts";

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
 * Of a big tree, another thread copies about half of the files; it is through when this settles.
 *
 * @returns false where it stopped because an implied folder is something else in the tree
 * @throws what the system says, as node:fs does
 */
export async function copyTree(
  from: string,
  to: string,
  options: CopyTreeOptions,
): Promise<boolean> {
  using stack = new DisposableStack();
  const roots = {
    from: stack.adopt(openRoot(from), closeFile),
    to: stack.adopt(openRoot(to), closeFile),
  };
  await using copy = new TreeCopy(roots, options);
  try {
    await copy.all();
    return true;
  } catch (error) {
    if (error instanceof NotAFolder) return false;
    throw error;
  }
}

function openRoot(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** What was taken for a folder is none. */
class NotAFolder extends Error {}

const allOfIt: TreeCover = {
  hidden: new Set(),
  opaque: new Set(),
  implied: new Map([["", "bare"]]),
};

/** A folder that is copied, as it was before. */
interface Copied {
  readonly path: ByteString;
  /** Of the one in the tree. */
  readonly facts: FileFacts;
  /** Of the one in the copy. */
  readonly own: FileFacts;
  readonly isNew: boolean;
}

/** Other work of this process is let in this often. */
const turnMs = 10;

/** A thread takes longer to start than these take to copy. */
const fewNames = 500;

const self = ".";

/** Folders stay open on the way down: two descriptors a level. */
class TreeCopy implements AsyncDisposable {
  readonly #roots: { readonly from: number; readonly to: number };
  readonly #options: CopyTreeOptions;
  readonly #cover: TreeCover;
  readonly #attributes: AttributeCopy;
  readonly #entries: EntryCopy;
  /** Folders that the helper has to do with: they get their attributes when it is through. */
  readonly #unfinished: Copied[] = [];
  #helper: Helper | undefined;
  #names = 0;
  #turnEnd = performance.now() + turnMs;

  constructor(roots: { readonly from: number; readonly to: number }, options: CopyTreeOptions) {
    this.#roots = roots;
    this.#options = options;
    this.#cover = options.cover ?? allOfIt;
    this.#attributes = new AttributeCopy(options);
    this.#entries = new EntryCopy(options, new LinksBetweenCopies(roots.to));
  }

  async all(): Promise<void> {
    const { from, to } = this.#roots;
    const own = statAt(to, self);
    const root = { from, to, path: "", gid: own.gid };
    await this.#inside(root, { path: "", facts: statAt(from, self), own, isNew: false });
    const linked = await this.#helper?.finish(this.#options.signal);
    for (const path of linked ?? []) await this.#later(path);
    for (const folder of this.#unfinished) {
      if (performance.now() > this.#turnEnd) await this.#letOthersIn();
      using pair = this.#open(folder.path);
      this.#finish(pair, folder);
    }
  }

  /** What is in a folder, then its attributes: what is put into it changes its times. */
  async #inside(pair: FolderPair, folder: Copied): Promise<void> {
    const { path } = pair;
    let isShared = false;
    if (!this.#cover.opaque.has(path)) {
      const { folders, others } = listFolder(pair.from);
      if (others.some((name) => this.#cover.implied.has(below(path, name)))) throw new NotAFolder();
      isShared = await this.#others(pair, others);
      for (const name of folders) await this.#folder(pair, name);
    }
    if (isShared) this.#unfinished.push(folder);
    else this.#finish(pair, folder);
  }

  async #folder(parent: FolderPair, name: ByteString): Promise<void> {
    if (performance.now() > this.#turnEnd) await this.#letOthersIn();
    const path = below(parent.path, name);
    if (this.#cover.hidden.has(path)) return;
    const key = kernelPath(name);
    const isNew = makeFolderAt(parent.to, key, 0o700) === "done";
    using stack = new DisposableStack();
    const to = openIfFolder(parent.to, key);
    if (to === undefined) return; // something else has the name
    stack.adopt(to, closeFile);
    const from = stack.adopt(openFolderAt(parent.from, key), closeFile);
    const own = statAt(to, self);
    const facts = statAt(from, self);
    await this.#inside({ from, to, path, gid: own.gid }, { path, facts, own, isNew });
  }

  /** All but folders. @returns whether the helper has some of them */
  async #others(folder: FolderPair, names: readonly ByteString[]): Promise<boolean> {
    this.#names += names.length;
    let isShared = false;
    for (let at = 0; at < names.length; ) {
      const given = this.#handOver(folder.path, names, at);
      at += given;
      if (given > 0) isShared = true;
      else await this.#copy(folder, names[at++] as ByteString);
    }
    return isShared;
  }

  #handOver(path: ByteString, names: readonly ByteString[], first: number): number {
    if (this.#names < fewNames) return 0;
    const { from, to } = this.#roots;
    const { userNamespace, ignoreChownErrors } = this.#options;
    const options = { userNamespace, ignoreChownErrors };
    this.#helper ??= new Helper({ from, to, options, hidden: this.#cover.hidden });
    return this.#helper.take(path, names, first);
  }

  async #copy(folder: FolderPair, name: ByteString): Promise<void> {
    if (performance.now() > this.#turnEnd) await this.#letOthersIn();
    const path = below(folder.path, name);
    if (this.#cover.hidden.has(path)) return;
    const key = kernelPath(name);
    const rest = this.#entries.make({ folder, name: key, path, facts: statAt(folder.from, key) });
    for (const _ of rest ?? []) if (performance.now() > this.#turnEnd) await this.#letOthersIn();
  }

  /** A name that the helper left alone. */
  async #later(path: ByteString): Promise<void> {
    const end = path.lastIndexOf("/");
    using folder = this.#open(path.slice(0, Math.max(end, 0)));
    await this.#copy(folder, path.slice(end + 1));
  }

  #open(path: ByteString): FolderPair & Disposable {
    using stack = new DisposableStack();
    const from = stack.adopt(openFolderBelow(this.#roots.from, path), closeFile);
    const to = stack.adopt(openFolderBelow(this.#roots.to, path), closeFile);
    const { gid } = statAt(to, self);
    const files = stack.move();
    return { from, to, path, gid, [Symbol.dispose]: () => files.dispose() };
  }

  #finish({ from, to }: FolderPair, { path, facts, own, isNew }: Copied): void {
    if (isNew || this.#cover.implied.get(path) === "bare") {
      this.#attributes.toOpen(from, to, facts);
    } else {
      if (!this.#cover.opaque.has(path)) this.#attributes.missingXattrs(from, to);
      this.#attributes.times(to, own);
    }
  }

  async #letOthersIn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#options.signal.throwIfAborted();
    this.#turnEnd = performance.now() + turnMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper?.abandon();
  }
}

function below(folder: ByteString, name: ByteString): ByteString {
  return folder === "" ? name : `${folder}/${name}`;
}
