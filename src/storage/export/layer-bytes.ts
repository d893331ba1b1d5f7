import { Crc64 } from "../../stream/tar-split/crc64.ts";
import { ChunkRing } from "./chunk-ring.ts";
import { FileReading } from "./file-reading.ts";
import { LayerFiles } from "./layer-files.ts";
import { type TarSplitEntry, tarSplitEntries } from "./tar-split-entries.ts";

/** Where the parts of a layer's tar are. */
export interface LayerParts {
  /** The folders of its tree: its own, then those below. */
  readonly folders: readonly string[];
  /** The path of its `.tar-split.gz`. */
  readonly tarSplit: string;
}

/** Files from this size on are read on another thread; the many small ones cost less here than a promise each. */
const leastAsyncBytes = 256 * 1024;

/**
 * The plain tar of a layer from offset `from` on, as it came: what tar-split kept, and between that the files of the
 * tree — `specs/containers-storage.md` 10.4. For chunk lifetime see `chunksInUse`.
 *
 * @param sums "unchecked" where the digest of the whole is made anyway: a file of another content is not told of then
 * @throws {ExportError} where a part is not there or not what it was
 */
export async function* layerBytes(
  parts: LayerParts,
  from: number,
  sums: "checked" | "unchecked" = "checked",
): AsyncGenerator<Uint8Array, void, void> {
  const assembly = new TarAssembly(parts, from, sums === "checked" ? new Crc64() : undefined);
  try {
    for (;;) {
      const chunk = await assembly.chunk();
      if (!chunk) return;
      yield chunk;
    }
  } finally {
    await assembly[Symbol.asyncDispose]();
  }
}

/**
 * How long {@link layerBytes} is on the whole, for layers whose records do not tell. No file is opened.
 *
 * @throws {ExportError} `storage.no-tar-split`, `storage.bad-tar-split`
 */
export async function layerSize({ tarSplit }: LayerParts): Promise<number> {
  let size = 0;
  for await (const entries of tarSplitEntries(tarSplit)) {
    for (const entry of entries) {
      size += entry.kind === "bytes" ? entry.bytes.byteLength : entry.size;
    }
  }
  return size;
}

/** What is wrong with a layer whose tar has another digest than it had; undefined where every file has its checksum. */
export async function whatChanged(parts: LayerParts): Promise<unknown> {
  try {
    for await (const _ of layerBytes(parts, 0)) {
      // only what it fails by is wanted
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is being put together: one entry at a time, in chunks of many. */
class TarAssembly implements AsyncDisposable {
  readonly #files: LayerFiles;
  readonly #batches: AsyncGenerator<readonly TarSplitEntry[], void, void>;
  readonly #out: ChunkRing;
  readonly #crc: Crc64 | undefined;
  #entries: readonly TarSplitEntry[] = [];
  #next = 0;
  #toSkip: number;
  #bytes: { readonly all: Uint8Array; at: number } | undefined;
  #file: FileReading | undefined;

  constructor({ folders, tarSplit }: LayerParts, from: number, crc: Crc64 | undefined) {
    this.#files = new LayerFiles(folders);
    this.#batches = tarSplitEntries(tarSplit);
    this.#out = new ChunkRing(from);
    this.#crc = crc;
    this.#toSkip = from;
  }

  /** The next chunk; undefined at the end. */
  async chunk(): Promise<Uint8Array | undefined> {
    const out = this.#out;
    while (!out.isFull) {
      const work = this.#step();
      if (work !== undefined && !(await work)) break;
    }
    return out.isEmpty ? undefined : out.take();
  }

  /** Does a little; what takes time is given as a promise, which is false at the end of all. */
  #step(): Promise<boolean> | undefined {
    if (this.#bytes) return this.#copy(this.#bytes);
    if (this.#file) return this.#read(this.#file);
    return this.#begin() ? undefined : this.#nextBatch();
  }

  /** Small files without a promise. */
  #read(file: FileReading): Promise<true> | undefined {
    const room = this.#out.room(file.left);
    if (file.left >= leastAsyncBytes) return this.#readApart(file, room);
    this.#out.add(file.read(room));
    this.#endFile(file);
    return undefined;
  }

  async #readApart(file: FileReading, room: Buffer): Promise<true> {
    this.#out.add(await file.readApart(room));
    this.#endFile(file);
    return true;
  }

  #copy(bytes: { readonly all: Uint8Array; at: number }): undefined {
    bytes.at += this.#out.copy(bytes.all, bytes.at);
    if (bytes.at === bytes.all.byteLength) this.#bytes = undefined;
  }

  #endFile(file: FileReading): void {
    if (file.left > 0) return;
    file.check();
    file[Symbol.dispose]();
    this.#file = undefined;
  }

  /** Begins the next entry of which something is wanted; false where the batch has no more. */
  #begin(): boolean {
    for (;;) {
      const entry = this.#entries[this.#next++];
      if (!entry) return false;
      const size = entry.kind === "bytes" ? entry.bytes.byteLength : entry.size;
      const at = Math.min(this.#toSkip, size);
      this.#toSkip -= at;
      if (at === size) continue;
      if (entry.kind === "bytes") this.#bytes = { all: entry.bytes, at };
      else this.#file = new FileReading(entry, this.#files, this.#crc, at);
      return true;
    }
  }

  async #nextBatch(): Promise<boolean> {
    const { value, done } = await this.#batches.next();
    if (done) return false;
    this.#entries = value;
    this.#next = 0;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file?.[Symbol.dispose]();
    this.#files[Symbol.dispose]();
    await this.#batches.return();
  }
}
