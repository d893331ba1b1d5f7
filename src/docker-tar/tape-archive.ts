import { posix } from "node:path";
import { detectCompression } from "../stream/compression-format.ts";
import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import { ArchiveIndex } from "../stream/tar/archive-index.ts";
import type { TapeEntry } from "../stream/tar/archive-tape.ts";
import {
  type ArchiveFiles,
  lengthOf,
  notLoaded,
  type PlainFile,
  plainFrom,
  type ReadOptions,
  readWhole,
  requireFile,
  unpacked,
} from "./archive-files.ts";
import { DockerTarError, invalid } from "./errors.ts";
import { TapeCursor } from "./tape-cursor.ts";
import { type Survey, surveyTape } from "./tape-survey.ts";

/** An archive that can only be read from its start to its end. */
export interface Tape {
  /** Opens it, packed as it may be; a second time only where it `rewinds`. */
  open(options: ReadOptions): AsyncIterable<Uint8Array>;
  readonly rewinds: boolean;
  /** Where it does not: what to do instead, in the imperative. */
  readonly hint?: string;
  /** How many bytes of small files are kept, so that a small archive is read once. Default 16 MiB. */
  readonly mostKept?: number;
  /** Called when the archive is done with. */
  readonly close?: () => Promise<void>;
}

const defaultMostKept = 16 * 1024 * 1024;

/**
 * Looks through an archive that comes in its own order only. One that rewinds is read once to see what there is and once
 * more for its files; of any, small files are kept from the first pass.
 *
 * @throws {DockerTarError} `docker-tar.invalid` for what is no tar
 */
export async function openTapeArchive(tape: Tape, options: ReadOptions): Promise<ArchiveFiles> {
  const { mostKept = defaultMostKept } = tape;
  const cursor = new TapeCursor(await plainBytes(tape, options));
  try {
    const survey = await surveyTape(cursor, { whole: tape.rewinds, mostKept });
    return new TapeArchive(tape, survey, cursor);
  } catch (error) {
    await cursor[Symbol.asyncDispose]();
    throw error;
  }
}

async function plainBytes(tape: Tape, options: ReadOptions): Promise<AsyncIterable<Uint8Array>> {
  return (await unpacked(tape.open(options))).plain;
}

/** A file that is to be found on a tape. */
type OnTape = Pick<ArchiveEntry, "name" | "offset">;

class TapeArchive implements ArchiveFiles {
  readonly access = "tape";
  readonly #tape: Tape;
  readonly #survey: Survey;
  readonly #index: ArchiveIndex;
  /** Of what the first pass did not see. */
  readonly #passed = new Set<string>();
  #cursor: TapeCursor | undefined;

  constructor(tape: Tape, survey: Survey, cursor: TapeCursor) {
    this.#tape = tape;
    this.#survey = survey;
    this.#index = new ArchiveIndex(survey.entries, "first");
    this.#cursor = cursor;
  }

  async readSmall(name: string, maxBytes: number, options: ReadOptions): Promise<Uint8Array> {
    const file = this.#require(name);
    const kept = this.#survey.kept.get(file.name);
    const bytes = kept ? inOnePiece(kept) : this.#onTape(file, options);
    return await readWhole(name, bytes, maxBytes);
  }

  /** What has not come by yet may still come. */
  #require(name: string): ArchiveEntry {
    try {
      return requireFile(this.#index, name);
    } catch (error) {
      if (this.#tape.rewinds || !this.#isUnfinished()) throw error;
      throw notLoaded(name, this.#refusal("it comes after the layers, which are gone by then"));
    }
  }

  /** Whether the first pass stopped before the end. */
  #isUnfinished(): boolean {
    const last = this.#survey.entries.at(-1);
    return last?.kind === "file" && !this.#survey.kept.has(last.name);
  }

  #refusal(why: string): DockerTarError {
    const { hint } = this.#tape;
    const options = hint === undefined ? {} : { hint };
    return new DockerTarError(
      "docker-tar.no-rewind",
      `cannot be read from a pipe: ${why}`,
      options,
    );
  }

  async plainSize(name: string): Promise<number | undefined> {
    const file = this.#index.file(posix.normalize(name));
    if (!file) return this.#tape.rewinds || !this.#isUnfinished() ? undefined : -1;
    const kept = this.#survey.kept.get(file.name);
    if (!kept) return this.#survey.plainSizes.get(file.name) ?? -1;
    if (!detectCompression(kept)) return kept.byteLength;
    return await lengthOf(plainFrom(inOnePiece(kept), 0));
  }

  async openPlain(name: string, options: ReadOptions): Promise<PlainFile> {
    const path = posix.normalize(name);
    const file = this.#index.file(path) ?? { name: path, offset: Number.MAX_SAFE_INTEGER };
    const kept = this.#survey.kept.get(file.name);
    const size = (await this.plainSize(name)) ?? -1;
    if (size < 0) return await this.#openUnmeasured(file, options);
    const bytes = () => (kept ? inOnePiece(kept) : this.#onTape(file, options));
    return { size, open: (from) => plainFrom(bytes(), from) };
  }

  /** The tape is brought to where it is: then its header says how long it is, if it is not packed. */
  async #openUnmeasured(file: OnTape, options: ReadOptions): Promise<PlainFile> {
    const { size, content } = await this.#forwardTo(file, options);
    const { format, plain } = await unpacked(content);
    if (format) throw this.#refusal(`${file.name} is packed, and its length not known`);
    return { size, open: () => plain };
  }

  isAtHand(name: string): boolean {
    const file = this.#index.file(posix.normalize(name));
    return file !== undefined && this.#survey.kept.has(file.name);
  }

  placeOf(name: string): number {
    return this.#index.file(posix.normalize(name))?.offset ?? Number.MAX_SAFE_INTEGER;
  }

  /** The content of a file when the tape comes to it; rewound where it has passed. */
  async *#onTape(file: OnTape, options: ReadOptions): AsyncGenerator<Uint8Array, void, void> {
    yield* (await this.#forwardTo(file, options)).content;
  }

  async #forwardTo({ name, offset }: OnTape, options: ReadOptions): Promise<TapeEntry> {
    const cursor = await this.#cursorBefore(offset, options);
    for (let entry = await cursor.next(); entry; entry = await cursor.next()) {
      options.signal.throwIfAborted();
      if (entry.name === name && entry.kind === "file") return entry;
      this.#passed.add(entry.name);
    }
    if (this.#passed.has(name)) throw this.#refusal(`${name} has gone by`);
    throw invalid("Some layer tarfiles are missing in the tarball");
  }

  async #cursorBefore(offset: number, options: ReadOptions): Promise<TapeCursor> {
    if (this.#cursor && this.#cursor.offset < offset) return this.#cursor;
    if (!this.#tape.rewinds) throw this.#refusal("what is asked for has gone by");
    await this.#cursor?.[Symbol.asyncDispose]();
    this.#cursor = new TapeCursor(await plainBytes(this.#tape, options));
    return this.#cursor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cursor?.[Symbol.asyncDispose]();
    await this.#tape.close?.();
  }
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
