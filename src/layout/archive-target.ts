import { type FileHandle, open, readlink, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { ArchiveSink } from "../stream/tar/archive-writer.ts";
import {
  type ArchiveOutput,
  type ArchiveOutputOptions,
  openArchiveOutput,
} from "./archive-output.ts";
import { fileError, LayoutError, tidying, unless, writing } from "./errors.ts";
import { identifyProcess } from "./owner.ts";
import { sweepUnfinished } from "./unfinished.ts";
import { UnfinishedFile, writeFully } from "./unfinished-file.ts";

/** What stands at the path already. */
export type Standing = "nothing" | "empty file" | "file" | "pipe";

/**
 * Looks what is at a path, and begins an archive there, if `refuse` does not throw: in a new file, which gets its name when it
 * is whole, in an empty one, or into a pipe.
 *
 * @param refuse is called before anything is changed
 * @throws {LayoutError} `layout.missing`, `layout.unwritable`
 */
export async function openArchiveTarget(
  path: string,
  refuse: (standing: Standing) => void,
  options: ArchiveOutputOptions,
): Promise<ArchiveOutput> {
  const standing = await lookAt(path);
  refuse(standing);
  if (standing === "pipe") return await openArchiveOutput(path, options);
  if (standing === "empty file") return new FilledFile(await openEmpty(path), path);
  const file = await behindLinks(path);
  return new NewFile(await createBeside(file, path), file);
}

async function lookAt(path: string): Promise<Standing> {
  const found = await writing(`open ${path}`, () => unless(["ENOENT"], () => stat(path)));
  if (!found) return "nothing";
  if (found.isDirectory()) {
    throw new LayoutError("layout.unwritable", `open ${path}: is a directory`);
  }
  if (!found.isFile()) return "pipe";
  return found.size === 0 ? "empty file" : "file";
}

const mostLinks = 40;

/** The file that a link leads to, be it there or not. */
async function behindLinks(path: string): Promise<string> {
  let file = path;
  for (let links = 0; links < mostLinks; links++) {
    const target = await unless(["ENOENT", "EINVAL"], () => readlink(file));
    if (target === undefined) return file;
    file = resolve(dirname(file), target);
  }
  return file;
}

/** Told by the name that was asked for, whatever it is called meanwhile. */
async function createBeside(file: string, path: string): Promise<UnfinishedFile> {
  if (file === "") throw new LayoutError("layout.missing", "open : no such file or directory");
  const self = await identifyProcess();
  const folder = dirname(file);
  try {
    const created = await UnfinishedFile.create(folder, self);
    await sweepUnfinished(folder, self);
    return created;
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    throw fileError("layout.unwritable", `open ${path}`, error.cause);
  }
}

class NewFile implements ArchiveOutput {
  readonly sink: ArchiveSink;
  readonly #file: UnfinishedFile;
  readonly #path: string;

  constructor(file: UnfinishedFile, path: string) {
    this.#file = file;
    this.#path = path;
    this.sink = { seeks: true, write: (bytes, position) => file.writeAt(bytes, position) };
  }

  async finish(length: number): Promise<void> {
    await this.#file.truncate(length);
    await this.#file.finish(this.#path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

async function openEmpty(path: string): Promise<FileHandle> {
  return await writing(`open ${path}`, () => open(path, "r+"));
}

/** A file that was there, empty: it stays the same file, and is empty again where nothing came of it. */
class FilledFile implements ArchiveOutput {
  readonly sink: ArchiveSink;
  readonly #handle: FileHandle;
  readonly #path: string;
  #open = true;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
    const write = (bytes: Uint8Array, at: number) => writeFully(handle, path, bytes, at);
    this.sink = { seeks: true, write };
  }

  async finish(length: number): Promise<void> {
    await writing(`truncate ${this.#path}`, () => this.#handle.truncate(length));
    await writing(`close ${this.#path}`, () => this.#handle.close());
    this.#open = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await tidying(() => this.#handle.truncate(0));
    await tidying(() => this.#handle.close());
  }
}
