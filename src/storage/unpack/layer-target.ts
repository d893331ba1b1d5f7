import type { ByteString } from "../../stream/tar/byte-string.ts";
import { payloadSize, type TarHeader } from "../../stream/tar/header.ts";
import { Crc64 } from "../../stream/tar-split/crc64.ts";
import { inlinePayloads } from "../tar-split/rewrite.ts";
import { TarSplitWriter } from "../tar-split/writer.ts";
import type { TreeCover } from "../tree-cover.ts";
import { cleanPath, type EntryPath } from "./entry-name.ts";
import { LayerTree, type PayloadFile } from "./layer-tree.ts";
import type { UnpackTarget } from "./messages.ts";
import { NameTable } from "./name-table.ts";
import { SavedPayloads } from "./saved-payloads.ts";
import type { SparseFile } from "./sparse.ts";
import { type Whiteouts, whiteoutsFor } from "./whiteouts.ts";

/** What a target's work is done with: opened before the thread is confined. */
export interface OpenTarget {
  readonly target: UnpackTarget;
  readonly root: number;
  readonly split?: { readonly fd: number; readonly saved: number; readonly spare: number };
}

/** What a {@link NameTable} says of a path: no line of the tar-split has a payload there; the line that had is void; else 2 more than its number. */
const bare = 0;
const gone = 1;
const firstLine = 2;

/** An entry's payload while it comes. */
interface Current {
  readonly header: TarHeader;
  readonly path: ByteString;
  readonly file: PayloadFile | undefined;
  /** The tar-split leaves the bytes to the tree. */
  readonly inTree: boolean;
}

/**
 * One target of a layer: its tree, and its tar-split. What cannot be read again from the tree under the entry's very name goes
 * into the tar-split itself, and of entries with one name only one has a line, so that Go's reader takes it too.
 */
export class LayerTarget {
  readonly #tree: LayerTree;
  readonly #whiteouts: Whiteouts;
  readonly #open: OpenTarget;
  readonly #split: TarSplitWriter | undefined;
  readonly #saved: SavedPayloads | undefined;
  readonly #names: NameTable;
  readonly #sum = new Crc64();
  #current: Current | undefined;

  constructor(open: OpenTarget, seeds: readonly [number, number]) {
    const { target, root, split } = open;
    this.#open = open;
    this.#names = new NameTable(seeds);
    this.#split = split && new TarSplitWriter(split.fd);
    this.#saved = split && new SavedPayloads(split.saved);
    this.#tree = new LayerTree({ target, root, beforeRemoval: (path) => this.#save(path) });
    this.#whiteouts = whiteoutsFor(target, this.#tree, (path) => this.#isOurs(path));
  }

  get rootSet(): boolean {
    return this.#tree.rootSet;
  }

  /** How the tree of the layers below is to be laid under it, where that comes later. */
  get cover(): TreeCover | "again" | undefined {
    return this.#tree.base.cover;
  }

  /** Folders that no entry of their own has made. */
  get madeFolders(): number {
    return this.#tree.folders.made;
  }

  raw(bytes: Buffer): void {
    this.#split?.raw(bytes);
  }

  entry(header: TarHeader, sparse: SparseFile | undefined): void {
    const entryPath = cleanPath(sparse?.name ?? header.rawName);
    const { path } = entryPath;
    const file = this.#tree.base.attempt(() => this.#make(header, entryPath, sparse));
    const fresh = isFree(this.#names.get(path));
    const size = payloadSize(header);
    const inTree = size > 0 && fresh && file?.verbatim === true && !entryPath.upwards;
    if (!inTree && fresh) {
      this.#split?.bare(sparse?.name ?? header.rawName);
      this.#names.set(path, bare);
    }
    if (inTree) this.#sum.reset();
    this.#current = { header, path, file, inTree };
  }

  #make(
    header: TarHeader,
    { path, dot }: EntryPath,
    sparse: SparseFile | undefined,
  ): PayloadFile | undefined {
    if (header.type === "g" || (dot && this.#ignoresDot())) return;
    if (this.#whiteouts.apply(header, path)) return;
    if (header.type === "0") return this.#tree.makeFile(header, path, sparse);
    this.#tree.make(header, path);
    return;
  }

  /** Go's unpacking for overlay leaves out what is called "."; that for vfs does not. */
  #ignoresDot(): boolean {
    const { whiteouts } = this.#open.target;
    return whiteouts === "overlay" || whiteouts === "mount-program";
  }

  payload(bytes: Buffer): void {
    const current = this.#current;
    if (!current) return;
    current.file?.write(bytes);
    if (!this.#split) return;
    if (current.inTree) this.#sum.update(bytes);
    else this.#split.raw(bytes);
  }

  entryEnd(): void {
    const current = this.#current;
    if (!current) return;
    current.file?.end();
    this.#current = undefined;
    if (!current.inTree) return;
    const { header, path } = current;
    const line = this.#split?.file(header.rawName, header.size, this.#sum.digest()) ?? 0;
    this.#names.set(path, this.#split ? line + firstLine : bare);
  }

  /** Nothing comes any more: times of folders, and the rest of the tar-split. */
  end(): void {
    this.#tree.end();
    this.#split?.end();
    const { split } = this.#open;
    if (!split || !this.#saved || this.#saved.lines.size === 0) return;
    const { fd, spare, saved } = split;
    inlinePayloads({ fd, spare, saved, lines: this.#saved.lines });
  }

  /** Closes what is open, however it went; what it was given to work on is the caller's. */
  close(): void {
    this.#current?.file?.abandon();
    this.#current = undefined;
    this.#tree.close();
  }

  #isOurs(path: ByteString): boolean {
    return this.#names.get(path) !== undefined;
  }

  /** The tree loses a file: if the tar-split counts on it, its bytes are kept. */
  #save(path: ByteString): void {
    const known = this.#names.get(path);
    if (known === undefined || known < firstLine || !this.#saved) return;
    this.#saved.save(known - firstLine, this.#open.root, path);
    this.#names.set(path, gone);
  }
}

function isFree(known: number | undefined): boolean {
  return known === undefined || known === gone;
}
