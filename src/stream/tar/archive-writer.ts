import { ContentError } from "../../core/errors.ts";
import type { Region } from "../random-access.ts";
import { buildHeader, endOfTar, paddingOf, type TarFields } from "./builder.ts";
import { blockSize } from "./header.ts";

/** Where an archive goes. */
export interface ArchiveSink {
  /** Whether any place can be written to, in any order, several at once: a file. Else each write follows the one before. */
  readonly seeks: boolean;
  /** Writes all of `bytes`; `position` counts from the archive's start. */
  write(bytes: Uint8Array, position: number): Promise<void>;
}

/** An entry to be written; see {@link TarFields} for what may be left out. */
export interface NewEntry extends Omit<TarFields, "name" | "size" | "pax"> {
  /**
   * A function where it is known when the content was read: only where the sink seeks, and then plain and no longer than
   * 100 characters.
   */
  readonly name: string | (() => string);
  /** Absent where it is known when the content was read: only where the sink seeks. Without any content it is 0. */
  readonly size?: number;
}

type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Writes an archive, entry by entry. Entries of a known size are written side by side where the sink seeks; all others wait
 * for their turn. An entry that failed leaves nothing where the sink seeks; elsewhere the archive is lost with it.
 */
export class ArchiveWriter {
  readonly #sink: ArchiveSink;
  /** Places of known size whose entries failed. */
  readonly #holes: Region[] = [];
  #end = 0;
  #turn: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(sink: ArchiveSink) {
    this.#sink = sink;
  }

  /**
   * Writes an entry, reading `content` to its end: each chunk is written while the next is asked for. Gives where the
   * content stands.
   *
   * @throws {ContentError} `content.size-mismatch` where `content` is not as long as was said
   */
  async add(entry: NewEntry, content?: Content): Promise<Region> {
    const { name, size = content ? undefined : 0 } = entry;
    const bytes = content ?? [];
    if (size === undefined || typeof name !== "string") {
      return await this.#alone(() => this.#addLate(entry, bytes));
    }
    const header = buildHeader({ ...entry, size, name });
    const length = header.byteLength + size + paddingOf(size).byteLength;
    if (!this.#sink.seeks) {
      return await this.#alone(() => this.#addSized(header, size, bytes, this.#reserve(length)));
    }
    const place = await this.#alone(async () => this.#reserve(length));
    return await this.#addSized(header, size, bytes, place);
  }

  /** Ends the archive, when all entries were added. Gives its length; what a file has behind that is not of it. */
  async finish(): Promise<number> {
    return await this.#alone(async () => {
      for (const hole of this.#holes.splice(0)) await this.#fill(hole);
      await this.#sink.write(endOfTar, this.#end);
      this.#end += endOfTar.byteLength;
      return this.#end;
    });
  }

  /** Runs `work` when nobody else changes where the archive ends. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      if (this.#failure) throw this.#failure.error;
      this.#dropHolesAtEnd();
      return await work();
    } finally {
      resolve();
    }
  }

  #dropHolesAtEnd(): void {
    const last = () => this.#holes.findIndex(({ offset, size }) => offset + size === this.#end);
    for (let at = last(); at >= 0; at = last()) {
      for (const { offset } of this.#holes.splice(at, 1)) this.#end = offset;
    }
  }

  #reserve(size: number): Region {
    const hole = this.#holes.findIndex((each) => each.size === size);
    const [reused] = hole < 0 ? [] : this.#holes.splice(hole, 1);
    if (reused) return reused;
    const offset = this.#end;
    this.#end += size;
    return { offset, size };
  }

  async #addSized(header: Buffer, size: number, content: Content, place: Region): Promise<Region> {
    try {
      await this.#sink.write(header, place.offset);
      const offset = place.offset + header.byteLength;
      const written = await this.#copy(content, offset, size);
      if (written < size) throw otherSize(size);
      await this.#pad(offset, size);
      return { offset, size };
    } catch (error) {
      if (this.#sink.seeks) this.#holes.push(place);
      else this.#failure = { error };
      throw error;
    }
  }

  /** The header goes in when it is known what to say; the end moves when all went well. */
  async #addLate(entry: NewEntry, content: Content): Promise<Region> {
    if (!this.#sink.seeks)
      throw new TypeError("what does not seek takes entries of known name and size");
    const start = this.#end;
    const offset = start + blockSize;
    const size = await this.#copy(content, offset, Number.MAX_SAFE_INTEGER);
    await this.#pad(offset, size);
    await this.#sink.write(lateHeader(entry, size), start);
    this.#end = offset + size + paddingOf(size).byteLength;
    return { offset, size };
  }

  async #copy(content: Content, start: number, most: number): Promise<number> {
    let size = 0;
    let writes: Promise<void> | undefined;
    try {
      for await (const chunk of content) {
        await writes;
        if (size + chunk.byteLength > most) throw otherSize(most);
        writes = this.#sink.write(chunk, start + size);
        writes.catch(() => {}); // thrown by the next await of it
        size += chunk.byteLength;
      }
      await writes;
    } catch (error) {
      await writes?.catch(() => {}); // the chunk's memory may be used again only now
      throw error;
    }
    return size;
  }

  async #pad(offset: number, size: number): Promise<void> {
    const padding = paddingOf(size);
    if (padding.byteLength > 0) await this.#sink.write(padding, offset + size);
  }

  /** A failed entry amidst others that nothing of the same length has taken the place of. */
  async #fill({ offset, size }: Region): Promise<void> {
    const header = lateHeader({ name: ".unused", mode: 0o644 }, size - blockSize);
    await this.#sink.write(header, offset);
  }
}

function textOf(name: string | (() => string)): string {
  return typeof name === "string" ? name : name();
}

function otherSize(size: number): ContentError {
  return new ContentError("content.size-mismatch", `An archive's entry has not its ${size} bytes`);
}

const largestOctal = 8 ** 11 - 1;

/** A header of one block, whatever the size: from 8 GiB on in base 256 — GNU tar's manual § Basic Tar Format. */
function lateHeader(entry: NewEntry, size: number): Buffer {
  const fits = size <= largestOctal;
  const block = buildHeader({ ...entry, name: textOf(entry.name), size: fits ? size : 0 });
  if (block.byteLength !== blockSize) throw new TypeError("a late name must fit one block");
  if (fits) return block;
  block.fill(0, 124, 136);
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
  return withChecksum(block);
}

function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
