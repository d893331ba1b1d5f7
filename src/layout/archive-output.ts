import { constants, type Stats } from "node:fs";
import { access, copyFile, type FileHandle, open, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { readRegion } from "../stream/random-access.ts";
import type { ArchiveSink } from "../stream/tar/archive-writer.ts";
import { randomAccess } from "./blob-file.ts";
import { errnoOf, LayoutError, tidying, unless, writing } from "./errors.ts";
import { identifyProcess, newOwner, type OwnProcess } from "./owner.ts";
import { inheritedNumber, openPipeWriter, type PipeWriter, statPath } from "./pipe.ts";
import { sweepUnfinished, unfinishedPath } from "./unfinished.ts";
import { UnfinishedFile, writeFully } from "./unfinished-file.ts";

/** A new archive's place. Disposed of before it is {@link finish finished}, a file there stays what it was. */
export interface ArchiveOutput extends AsyncDisposable {
  readonly sink: ArchiveSink;
  /** All of the archive was written, so many bytes: it takes its place. */
  finish(length: number): Promise<void>;
}

/** How an archive is begun. */
export interface ArchiveOutputOptions {
  readonly signal: AbortSignal;
  /** Where an archive that goes into a pipe may be put together first. */
  readonly spoolFolder?: string | undefined;
}

/**
 * Begins an archive at `path`: beside a file that is there, which it replaces when it is whole, or into a pipe or device.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unwritable`
 */
export async function openArchiveOutput(
  path: string,
  options: ArchiveOutputOptions,
): Promise<ArchiveOutput> {
  const old = await writing(`open ${path}`, () => unless(["ENOENT"], () => statPath(path)));
  if (old?.isDirectory())
    throw new LayoutError("layout.unwritable", `open ${path}: is a directory`);
  const isStream = old && (!old.isFile() || inheritedNumber(path) !== undefined);
  if (!isStream) return await openBeside(path, old, options);
  const pipe = await openPipeWriter(path, options.signal);
  const { spoolFolder } = options;
  if (spoolFolder === undefined) return new PipeOutput(pipe);
  try {
    return await SpooledOutput.open(spoolFolder, pipe, options.signal);
  } catch (error) {
    await pipe[Symbol.asyncDispose]();
    throw error;
  }
}

async function openBeside(
  path: string,
  old: Stats | undefined,
  options: ArchiveOutputOptions,
): Promise<ArchiveOutput> {
  // What could not be written over in place is not to be replaced either.
  if (old) await writing(`open ${path}`, () => access(path, constants.W_OK));
  const self = await identifyProcess();
  const folder = dirname(path);
  await sweepUnfinished(folder, self);
  try {
    return new FileOutput(await UnfinishedFile.create(folder, self), path);
  } catch (error) {
    if (!old || !failedBy(error, ["EACCES", "EPERM", "EROFS"])) throw error;
    return await openInPlace(path, error, options);
  }
}

function failedBy(error: unknown, errnos: readonly string[]): boolean {
  return error instanceof LayoutError && errnos.includes(errnoOf(error.cause) ?? "");
}

/** Nothing can be made beside a file that itself may be written: it gets the archive when that is whole elsewhere. */
async function openInPlace(
  path: string,
  cause: unknown,
  { spoolFolder, signal }: ArchiveOutputOptions,
): Promise<ArchiveOutput> {
  if (spoolFolder !== undefined) {
    return await SpooledOutput.open(spoolFolder, new InPlaceWriter(path), signal);
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new LayoutError("layout.unwritable", why, {
    cause,
    hint: "Say with --tmpdir where the archive may be put together before it replaces the old one",
  });
}

/** Writes over a file, which it opens, and empties, with the first byte. */
class InPlaceWriter implements PipeWriter {
  readonly path: string;
  #handle: FileHandle | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#handle ??= await writing(`open ${this.path}`, () => open(this.path, "w"));
    const handle = this.#handle;
    await writing(`write ${this.path}`, () => handle.writeFile(bytes));
  }

  async end(): Promise<void> {
    await writing(`sync ${this.path}`, async () => await this.#handle?.datasync());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tidying(async () => await this.#handle?.close());
  }
}

class FileOutput implements ArchiveOutput {
  readonly sink: ArchiveSink;
  readonly #file: UnfinishedFile;
  readonly #path: string;

  constructor(file: UnfinishedFile, path: string) {
    this.sink = { seeks: true, write: (bytes, position) => file.writeAt(bytes, position) };
    this.#file = file;
    this.#path = path;
  }

  async finish(length: number): Promise<void> {
    await this.#file.truncate(length);
    const old = await unless(["ENOENT"], () => stat(this.#path));
    if (old?.isFile()) await this.#file.takeAfter(old);
    await this.#file.sync();
    try {
      await this.#file.finish(this.#path);
    } catch (error) {
      // A file that is mounted by itself, into a container, stays the one that it is.
      if (!failedBy(error, ["EBUSY", "EXDEV"])) throw error;
      await writing(`write ${this.#path}`, () => copyFile(this.#file.path, this.#path));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

/** What has gone into a pipe cannot be taken back. */
class PipeOutput implements ArchiveOutput {
  readonly sink: ArchiveSink;
  readonly #pipe: PipeWriter;

  constructor(pipe: PipeWriter) {
    this.sink = { seeks: false, write: (bytes) => pipe.write(bytes) };
    this.#pipe = pipe;
  }

  async finish(): Promise<void> {
    await this.#pipe.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipe[Symbol.asyncDispose]();
  }
}

/** Put together in a file without a name, which goes to its place when it is whole. */
class SpooledOutput implements ArchiveOutput {
  readonly sink: ArchiveSink;
  readonly #handle: Awaited<ReturnType<typeof openNameless>>;
  readonly #pipe: PipeWriter;
  readonly #signal: AbortSignal;

  private constructor(
    handle: Awaited<ReturnType<typeof openNameless>>,
    pipe: PipeWriter,
    signal: AbortSignal,
  ) {
    const write = (bytes: Uint8Array, at: number) =>
      writeFully(handle.file, handle.path, bytes, at);
    this.sink = { seeks: true, write };
    this.#handle = handle;
    this.#pipe = pipe;
    this.#signal = signal;
  }

  static async open(folder: string, pipe: PipeWriter, signal: AbortSignal): Promise<SpooledOutput> {
    return new SpooledOutput(await openNameless(folder, await identifyProcess()), pipe, signal);
  }

  async finish(length: number): Promise<void> {
    const { file, path } = this.#handle;
    const whole = { offset: 0, size: length };
    const bytes = readRegion(randomAccess(file, path, length), whole, this.#signal);
    for await (const chunk of bytes) await this.#pipe.write(chunk);
    await this.#pipe.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tidying(() => this.#handle.file.close());
    await this.#pipe[Symbol.asyncDispose]();
  }
}

async function openNameless(folder: string, self: OwnProcess) {
  const path = unfinishedPath(folder, newOwner(self));
  const file = await writing(`open ${path}`, () => open(path, "wx+", 0o600));
  await writing(`unlink ${path}`, () => unlink(path));
  return { file, path };
}
