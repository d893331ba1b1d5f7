import { writeSync } from "node:fs";
import {
  closeFile,
  createAt,
  isFolderAt,
  isSymlinkAt,
  linkAt,
  makeFolderAt,
  makeNodeAt,
  makeSymlinkAt,
  type Outcome,
} from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { TarHeader } from "../../stream/tar/header.ts";
import { writeFully } from "../tar-split/gzip-file.ts";
import { Attributes } from "./attributes.ts";
import { BaseTree } from "./base-tree.ts";
import { DirectoryTimes } from "./directory-times.ts";
import { cleanPath, type EntryPath } from "./entry-name.ts";
import { UnpackError } from "./errors.ts";
import { Folders, kernelPath } from "./folders.ts";
import type { UnpackTarget } from "./messages.ts";
import { type Place, placeFor, placeOf, realPlace } from "./place.ts";
import { type BeforeRemoval, Removal } from "./removal.ts";
import { type SparseFile, SparseWriter } from "./sparse.ts";

/** Where an entry's payload goes. */
export interface PayloadFile {
  /** The tar's bytes are the file's, and its name leads there without a link. */
  readonly verbatim: boolean;
  write(bytes: Buffer): void;
  /** It has all its bytes: the rest of the entry is applied, and the file closed. */
  end(): void;
  /** In place of {@link end}, where the layer has failed. */
  abandon(): void;
}

/** What a {@link LayerTree} is made for. */
export interface TreeRequest {
  readonly target: UnpackTarget;
  /** The folder, open for reading. */
  readonly root: number;
  readonly beforeRemoval: BeforeRemoval;
}

const formats = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** A layer's tree while it comes to be. Every method may throw a {@link SystemCallError}. */
export class LayerTree {
  readonly base: BaseTree;
  readonly folders: Folders;
  readonly removal: Removal;
  readonly attributes: Attributes;
  readonly #root: number;
  readonly #userNamespace: boolean;
  readonly #times = new DirectoryTimes();
  #rootTime: TarHeader | undefined;

  constructor({ target, root, beforeRemoval }: TreeRequest) {
    const { userNamespace, ignoreChownErrors = false } = target;
    this.#root = root;
    this.#userNamespace = userNamespace;
    this.base = new BaseTree(target.base ?? "there");
    this.folders = new Folders(root, this.base, process.geteuid?.() === 0);
    this.removal = new Removal(root, this.folders, { before: beforeRemoval, base: this.base });
    this.attributes = new Attributes({ userNamespace, ignoreChownErrors });
  }

  /** True once an entry was made the root's own. */
  get rootSet(): boolean {
    return this.#rootTime !== undefined;
  }

  /** Makes an entry other than a regular file. */
  make(header: TarHeader, path: EntryPath["path"]): void {
    if (path === "") this.#setRoot(header);
    else if (header.type === "5") this.#makeFolder(header, path);
    else if (header.type === "2") this.#makeSymlink(header, path);
    else if (header.type === "1") this.#makeLink(header, path);
    else if (/^[34]$/.test(header.type) && this.#userNamespace) this.#skip(path);
    else if (/^[346]$/.test(header.type)) this.#makeNode(header, path);
    else throw unhandledType(header);
  }

  /** Makes a regular file; gives where its payload goes. */
  makeFile(header: TarHeader, path: EntryPath["path"], sparse?: SparseFile): PayloadFile {
    if (path === "") throw notAFolder();
    let fd: number | undefined;
    const place = this.replace(path, ({ folder, leaf }) => {
      fd = createAt(folder.fd, leaf);
      return fd === undefined ? "exists" : "done";
    });
    const { straight, gid } = place.folder;
    const verbatim = straight && !sparse;
    const file = { fd: fd ?? -1, header, folderGid: gid, verbatim, attributes: this.attributes };
    return sparse ? new SparsePayload(file, sparse) : new FilePayload(file);
  }

  /** Has something made at a path, what was there before removed. Gives its place, until the next call. */
  replace(path: EntryPath["path"], make: (place: Place) => Outcome): Place {
    let place = placeFor(this.folders, path);
    let outcome = make(place);
    if (outcome === "exists") {
      this.removal.remove(place);
      place = placeFor(this.folders, path);
      outcome = make(place);
    }
    if (outcome === "done") return place;
    throw new UnpackError("storage.bad-layer", `cannot make it: ${outcome}`);
  }

  #setRoot(header: TarHeader): void {
    if (header.type !== "5") throw notAFolder();
    this.base.state("");
    this.attributes.applyToFile(this.#root, header);
    this.#rootTime = header;
  }

  #makeFolder(header: TarHeader, path: EntryPath["path"]): void {
    const place = this.replace(path, ({ folder, leaf }) => {
      const outcome = makeFolderAt(folder.fd, leaf, 0o755);
      return outcome === "exists" && isFolderAt(folder.fd, leaf) ? "done" : outcome;
    });
    this.base.state(realPlace(place));
    this.attributes.apply(place, header, "file");
    // It may be open, and known to have the group that new files have anyway.
    if (header.gid !== process.getegid?.()) this.folders.forget();
    this.#times.add(path, header.mtime);
  }

  #makeSymlink(header: TarHeader, path: EntryPath["path"]): void {
    const content = kernelPath(header.rawLinkName);
    const place = this.replace(path, ({ folder, leaf }) => makeSymlinkAt(content, folder.fd, leaf));
    this.attributes.apply(place, header, "symlink");
  }

  /** The target is a path of this tree's, whatever it looks like; a link at its end is linked itself. */
  #makeLink(header: TarHeader, path: EntryPath["path"]): void {
    const target = cleanPath(header.rawLinkName).path;
    const place = this.replace(path, ({ folder, leaf }) => {
      const source = placeOf(this.folders, target);
      const outcome = source ? linkAt(source.folder.fd, source.leaf, folder.fd, leaf) : "missing";
      if (outcome !== "missing") return outcome;
      throw new UnpackError("storage.bad-layer", "links to a file that is not in the layer");
    });
    const symlink = isSymlinkAt(place.folder.fd, place.leaf);
    this.attributes.apply(place, header, symlink ? "link-to-symlink" : "file");
  }

  #makeNode(header: TarHeader, path: EntryPath["path"]): void {
    const device = header.type !== "6";
    const format = device ? (header.type === "3" ? "character" : "block") : "fifo";
    const mode = formats[format] | (header.mode & 0o7777);
    const number = device ? deviceNumber(header) : 0n;
    const place = this.replace(path, ({ folder, leaf }) =>
      makeNodeAt(folder.fd, leaf, mode, number),
    );
    this.attributes.apply(place, header, "file");
  }

  /** What was there before is gone even where nothing comes. */
  #skip(path: EntryPath["path"]): void {
    this.removal.remove(placeFor(this.folders, path));
  }

  /** Folders get their times last: whatever is made in them changes those. */
  end(): void {
    this.#times.forEach((path, time) => {
      const place = placeOf(this.folders, path);
      if (!place || !isFolderAt(place.folder.fd, place.leaf)) return;
      this.attributes.setFolderTime(place, time);
    });
    if (this.#rootTime) this.attributes.applyToFile(this.#root, this.#rootTime);
  }

  /** Closes what is open, however it went; the root is the caller's. */
  close(): void {
    this.folders.forget();
  }
}

/** Go's makedev for what it makes of it: 12 bits of major and 20 of minor number. */
function deviceNumber({ deviceMajor, deviceMinor }: TarHeader): bigint {
  const [major, minor] = [BigInt(deviceMajor), BigInt(deviceMinor)];
  return (minor & 0xffn) | ((major & 0xfffn) << 8n) | ((minor & 0xfff00n) << 12n);
}

function notAFolder(): UnpackError {
  return new UnpackError("storage.bad-layer", "the root cannot be anything but a folder");
}

/** Go's words. */
export function unhandledType({ type }: TarHeader): UnpackError {
  return new UnpackError("storage.bad-layer", `unhandled tar header type ${type.charCodeAt(0)}`);
}

interface OpenedFile {
  readonly fd: number;
  readonly header: TarHeader;
  readonly folderGid: number;
  readonly verbatim: boolean;
  readonly attributes: Attributes;
}

function finish({ fd, header, folderGid, attributes }: OpenedFile): void {
  attributes.applyToNewFile(fd, header, folderGid);
  closeFile(fd);
}

class FilePayload implements PayloadFile {
  readonly #file: OpenedFile;

  constructor(file: OpenedFile) {
    this.#file = file;
  }

  get verbatim(): boolean {
    return this.#file.verbatim;
  }

  write(bytes: Buffer): void {
    const written = writeSync(this.#file.fd, bytes);
    if (written < bytes.byteLength) writeFully(this.#file.fd, bytes.subarray(written));
  }

  end(): void {
    finish(this.#file);
  }

  abandon(): void {
    closeFile(this.#file.fd);
  }
}

class SparsePayload implements PayloadFile {
  readonly #file: OpenedFile;
  readonly #writer: SparseWriter;

  constructor(file: OpenedFile, sparse: SparseFile) {
    this.#file = file;
    this.#writer = new SparseWriter(file.fd, sparse);
  }

  get verbatim(): boolean {
    return false;
  }

  write(bytes: Buffer): void {
    this.#writer.write(bytes);
  }

  end(): void {
    this.#writer.end();
    finish(this.#file);
  }

  abandon(): void {
    closeFile(this.#file.fd);
  }
}
