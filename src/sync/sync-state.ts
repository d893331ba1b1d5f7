import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { type Digest, isDigest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { lockFolder } from "../layout/folder-lock.ts";
import { identifyProcess } from "../layout/owner.ts";
import { SyncError } from "./errors.ts";

/** What one copy made, where that is another manifest than the source's. */
export interface StateEntry {
  /** The destination's name: transport and text. */
  readonly to: string;
  /** Of the options it was made under: options-hash.ts. */
  readonly options: string;
  /** Of the source's top manifest. */
  readonly source: Digest;
  /** Of the manifest at the destination. */
  readonly digest: Digest;
}

/**
 * What earlier runs made of what they changed on the way, so that the next sees that there is nothing to do: of each name
 * at a destination the last copy. What it says is believed only while the destination's name stands for that very digest.
 */
export interface SyncState extends AsyncDisposable {
  /** What such a copy came to, if the last one to `to` was such a one. */
  made(to: string, options: string, source: Digest): Digest | undefined;
  note(entry: StateEntry): void;
}

/** What a state is opened with. */
export interface SyncStateOptions {
  readonly signal: AbortSignal;
  /** Told of a file that cannot be understood: it is begun anew. */
  readonly onWarning: (text: string) => void;
}

// {"amphora":"sync-state","version":1}
// {"to":"docker://h/r:t","options":"…","source":"sha256:…","digest":"sha256:…"}      one line a copy; the last of a name counts
const head = '{"amphora":"sync-state","version":1}';
const maxBytes = 512 * 1024 * 1024;

/**
 * Opens the state in the file at `path`, which need not be there, for this run alone. Each copy adds a line by one write; a
 * run that is killed loses none but the one it was writing. Opened, the file is written anew without what is outdated.
 *
 * @throws {SyncError} `sync.busy` where another run has it; `sync.bad-state` where it cannot be read or written
 */
export async function openSyncState(path: string, options: SyncStateOptions): Promise<SyncState> {
  const lock = await locked(path, options.signal);
  try {
    const entries = await load(path, options);
    const file = await usingFile(path, () => rewrite(path, entries));
    return new FileState(path, entries, file, lock);
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function locked(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const folder = `${path}.lock`;
  const self = await identifyProcess();
  try {
    await usingFile(path, () => mkdir(folder, { recursive: true }));
    return await lockFolder(folder, { self, signal, patienceMs: 0 });
  } catch (error) {
    if (!(error instanceof KnownError) || error.code !== "layout.busy") throw error;
    throw new SyncError("sync.busy", `Cannot use ${path}: another run is using it`, {
      cause: error,
      hint: "Wait for the other run, or give this one a state file of its own",
    });
  }
}

async function load(
  path: string,
  { onWarning }: SyncStateOptions,
): Promise<Map<string, StateEntry>> {
  const bytes = await usingFile(path, () => readIfThere(path));
  const entries = bytes && parse(bytes);
  if (bytes && !entries)
    onWarning(`${path} is not a state file of a mirror, or is damaged: begun anew`);
  return entries ?? new Map();
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, "r");
    if ((await file.stat()).size > maxBytes) return Buffer.alloc(1);
    return await file.readFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined where anything but the last, broken off line is not as it should be. */
function parse(bytes: Buffer): Map<string, StateEntry> | undefined {
  const [first, ...lines] = bytes.toString("utf8").split("\n");
  lines.pop(); // behind the last newline: nothing, or what a killed run was writing
  if (first !== head) return bytes.length === 0 ? new Map() : undefined;
  const entries = new Map<string, StateEntry>();
  for (const line of lines) {
    const entry = parseEntry(line);
    if (!entry) return undefined;
    entries.set(entry.to, entry);
  }
  return entries;
}

function parseEntry(line: string): StateEntry | undefined {
  try {
    const { to, options, source, digest } = JSON.parse(line);
    const isWhole = typeof to === "string" && typeof options === "string";
    return isWhole && isDigest(source) && isDigest(digest)
      ? { to, options, source, digest }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Puts a whole file in its place. @returns it, to be added to */
async function rewrite(path: string, entries: ReadonlyMap<string, StateEntry>): Promise<number> {
  const aside = `${path}.lock/new`;
  await rm(aside, { force: true });
  {
    await using file = await open(aside, "wx", 0o644);
    const lines = [head, ...[...entries.values()].map((entry) => JSON.stringify(entry))];
    await file.writeFile(`${lines.join("\n")}\n`);
    await file.sync();
  }
  await rename(aside, path);
  return openSync(path, "a");
}

async function usingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw badState(path, error);
  }
}

function badState(path: string, error: unknown): SyncError {
  const why = (error as Error).message;
  return new SyncError("sync.bad-state", `Cannot use the state file ${path}: ${why}`, {
    cause: error,
  });
}

class FileState implements SyncState {
  readonly #path: string;
  readonly #entries: Map<string, StateEntry>;
  readonly #file: number;
  readonly #lock: AsyncDisposable;

  constructor(path: string, entries: Map<string, StateEntry>, file: number, lock: AsyncDisposable) {
    this.#path = path;
    this.#entries = entries;
    this.#file = file;
    this.#lock = lock;
  }

  made(to: string, options: string, source: Digest): Digest | undefined {
    const entry = this.#entries.get(to);
    return entry?.options === options && entry.source === source ? entry.digest : undefined;
  }

  note(entry: StateEntry): void {
    if (this.made(entry.to, entry.options, entry.source) === entry.digest) return;
    this.#entries.set(entry.to, entry);
    try {
      writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    } catch (error) {
      throw badState(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#file);
    await this.#lock[Symbol.asyncDispose]();
  }
}
