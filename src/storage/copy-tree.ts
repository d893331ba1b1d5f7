import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import { at, makeNodeAt } from "../libc/at.ts";
import { copyAttributes } from "./copy-attributes.ts";

/** How a tree is copied. */
export interface CopyTreeOptions {
  readonly signal: AbortSignal;
  /** True where devices cannot be made: they are left out, as the Go library does. */
  readonly userNamespace: boolean;
  readonly ignoreChownErrors: boolean;
}

/**
 * Copies a tree into an empty folder that is there: contents, shared where the file system can; owners, modes, times,
 * extended attributes, hard links, devices, names of any bytes.
 *
 * @throws what the system says, as node:fs does
 */
export async function copyTree(from: string, to: string, options: CopyTreeOptions): Promise<void> {
  await new TreeCopy(options).folder({ from: Buffer.from(from), to: Buffer.from(to) });
}

/** The same place in both trees. */
interface Pair {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** Other work of this process is let in this often. */
const turnMs = 10;
/** Above, another thread copies. */
const bigFile = 1n << 20n;
/** The kernel takes paths of 4 096 bytes; a tree may be deeper. */
const longPath = 3000;

class TreeCopy {
  readonly #options: CopyTreeOptions;
  /** Where files that have several names were copied to. */
  readonly #copied = new Map<string, Buffer>();
  #turnEnd = performance.now() + turnMs;

  constructor(options: CopyTreeOptions) {
    this.#options = options;
  }

  async folder(pair: Pair): Promise<void> {
    if (pair.from.byteLength < longPath && pair.to.byteLength < longPath)
      return await this.#entries(pair);
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const from = openSync(pair.from, flags);
    const to = openSync(pair.to, flags);
    try {
      await this.#entries({ from: pathOfOpen(from), to: pathOfOpen(to) });
    } finally {
      closeSync(from);
      closeSync(to);
    }
  }

  /** What is in a folder, then the folder's own attributes, as what is put into it changes its times. */
  async #entries(pair: Pair): Promise<void> {
    for (const name of readdirSync(pair.from, { encoding: "buffer" })) {
      await this.#letOthersIn();
      const entry = { from: below(pair.from, name), to: below(pair.to, name) };
      const stat = lstatSync(entry.from, { bigint: true });
      if ((await this.#make(entry, stat)) === "attributes")
        copyAttributes(entry.from, entry.to, stat, this.#options);
    }
    const own = lstatSync(below(pair.from, dot), { bigint: true });
    copyAttributes(below(pair.from, dot), below(pair.to, dot), own, this.#options);
  }

  async #make(entry: Pair, stat: BigIntStats): Promise<"attributes" | "nothing"> {
    if (stat.isDirectory()) {
      mkdirSync(entry.to, { mode: 0o700 });
      await this.folder(entry);
      return "nothing";
    }
    if (stat.nlink > 1n && this.#link(entry, stat)) return "nothing";
    if (stat.isFile()) await copyContent(entry, stat.size);
    else if (stat.isSymbolicLink())
      symlinkSync(readlinkSync(entry.from, { encoding: "buffer" }), entry.to);
    else if (!this.#node(entry.to, stat)) return "nothing";
    return "attributes";
  }

  /** True where the file was met before under another name. */
  #link(entry: Pair, { dev, ino }: BigIntStats): boolean {
    const key = `${dev}:${ino}`;
    const first = this.#copied.get(key);
    if (first === undefined) {
      this.#copied.set(key, entry.to);
      return false;
    }
    linkSync(first, entry.to);
    return true;
  }

  /** A device, FIFO or socket; false where it was left out. */
  #node(to: Buffer, stat: BigIntStats): boolean {
    const isDevice = stat.isBlockDevice() || stat.isCharacterDevice();
    if (isDevice && this.#options.userNamespace) return false;
    const path = Buffer.concat([to, Buffer.of(0)]);
    makeNodeAt(at.fdcwd, path, Number(stat.mode), isDevice ? stat.rdev : 0n);
    return true;
  }

  async #letOthersIn(): Promise<void> {
    if (performance.now() < this.#turnEnd) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#options.signal.throwIfAborted();
    this.#turnEnd = performance.now() + turnMs;
  }
}

const dot = Buffer.from(".");
const slash = Buffer.from("/");
const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

async function copyContent({ from, to }: Pair, size: bigint): Promise<void> {
  if (size > bigFile) await copyFile(from, to, mode);
  else copyFileSync(from, to, mode);
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, slash, name]);
}

function pathOfOpen(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`);
}
