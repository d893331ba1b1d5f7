import {
  mkdir,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LayoutError, tidying, unless, writing } from "./errors.ts";
import { lifeOf, newOwner, type OwnProcess } from "./owner.ts";
import { lockName, unfinishedPath } from "./unfinished.ts";

/** Held until disposed of. Meant for a moment: whoever waits, waits by asking again. */
export interface FolderLock extends AsyncDisposable {
  /** @throws {LayoutError} `layout.busy` where the lock was taken from us, as happens to a process stopped for long */
  assertHeld(): Promise<void>;
}

/** Who takes a lock, and how long it waits for others. */
export interface FolderLockOptions {
  readonly self: OwnProcess;
  readonly signal: AbortSignal;
  /** How long to wait for a living holder. */
  readonly patienceMs?: number;
  /** A holder on another host, whom we cannot look up, is taken for dead when it was silent for this long. */
  readonly silenceMs?: number;
}

/** A holder gives a sign of life this often. */
const pulseMs = 5_000;

/**
 * Locks `folder` among all processes that do the same, on all hosts that share it; the kernel helps with nothing but
 * rename(2), so that no native code is needed.
 *
 * The lock is a folder with its holder's name in it. Made aside and renamed into place, it can only replace an empty
 * one: that is the test-and-set. A dead holder's name is unlinked, which frees the lock, and cannot hurt whoever took
 * it since, because that one has another name. See docs/decisions/0010.
 *
 * @throws {LayoutError} `layout.busy` when a living holder keeps it too long
 */
export async function lockFolder(folder: string, options: FolderLockOptions): Promise<FolderLock> {
  const lock = join(folder, lockName);
  const owner = newOwner(options.self);
  const aside = unfinishedPath(folder, owner);
  await writing(`mkdir ${aside}`, () => mkdir(aside));
  try {
    await writing(`open ${join(aside, owner)}`, () => writeFile(join(aside, owner), ""));
    await writing(`lock ${folder}`, () => takePlace(aside, lock, options));
  } catch (error) {
    await tidying(() => rm(aside, { recursive: true, force: true }));
    throw error;
  }
  return held(lock, join(lock, owner), options.self);
}

async function takePlace(aside: string, lock: string, options: FolderLockOptions): Promise<void> {
  const { signal, patienceMs = 120_000 } = options;
  const waiting = new Waiting(lock, options);
  for (let attempt = 0; !(await replaced(aside, lock)); attempt++) {
    signal.throwIfAborted();
    if (await waiting.freed()) continue;
    if (waiting.waitedMs > patienceMs) {
      throw new LayoutError("layout.busy", `Cannot lock ${lock}: held by ${waiting.holder}`, {
        hint: "Wait for the other process that writes there, or remove this folder if there is none",
        retryable: true,
      });
    }
    await sleep(2 + Math.random() * Math.min(100, 4 * (attempt + 1)), undefined, { signal }).catch(
      () => signal.throwIfAborted(),
    );
  }
}

async function replaced(aside: string, lock: string): Promise<boolean> {
  const done = await unless(["ENOTEMPTY", "EEXIST"], async () => {
    await rename(aside, lock);
    return true;
  });
  return done ?? false;
}

/** What one who waits has seen of the holders. */
class Waiting {
  readonly #lock: string;
  readonly #options: FolderLockOptions;
  readonly #since = performance.now();
  /** The last sign of life of a holder whom we cannot look up, and when we first saw it, by our own clock. */
  #seen: { readonly sign: string; readonly at: number } | undefined;
  holder = "";

  constructor(lock: string, options: FolderLockOptions) {
    this.#lock = lock;
    this.#options = options;
  }

  get waitedMs(): number {
    return performance.now() - this.#since;
  }

  /** True if it is worth trying again at once. */
  async freed(): Promise<boolean> {
    const names = await unless(["ENOENT"], () => readdir(this.#lock));
    if (names === undefined) return true;
    if (names.length === 0) {
      // Not every file system lets a folder replace an empty one.
      await unless(["ENOENT", "ENOTEMPTY", "EEXIST"], () => rmdir(this.#lock));
      return true;
    }
    for (const name of names) {
      this.holder = name;
      if (await this.#isDead(name)) {
        await unless(["ENOENT"], () => unlink(join(this.#lock, name)));
        return true;
      }
    }
    return false;
  }

  async #isDead(name: string): Promise<boolean> {
    const life = await lifeOf(name, this.#options.self);
    if (life !== "unknown") return life === "dead";
    const mark = await unless(["ENOENT"], () => stat(join(this.#lock, name)));
    const sign = `${name} ${mark?.mtimeMs}`;
    if (this.#seen?.sign !== sign) this.#seen = { sign, at: performance.now() };
    return performance.now() - this.#seen.at > (this.#options.silenceMs ?? 6 * pulseMs);
  }
}

function held(lock: string, mark: string, self: OwnProcess): FolderLock {
  const pulse = setInterval(() => {
    truncate(mark).catch(() => {}); // sets its time by the file system's clock; assertHeld tells, should it be gone
  }, pulseMs);
  pulse.unref();
  return {
    async assertHeld() {
      if ((await unless(["ENOENT"], () => stat(mark))) === undefined) {
        throw new LayoutError("layout.busy", `Lost the lock ${lock} to another process`, {
          retryable: true,
        });
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(pulse);
      await giveBack(lock, mark, self);
    },
  };
}

async function giveBack(lock: string, mark: string, self: OwnProcess): Promise<void> {
  try {
    await unless(["ENOENT"], () => unlink(mark));
    await unless(["ENOENT", "ENOTEMPTY", "EEXIST"], () => rmdir(lock));
  } catch {
    // We go on living, so nobody would ever take it for a dead one's: out of the way with it.
    const gone = unfinishedPath(dirname(lock), newOwner(self));
    await tidying(() => rename(lock, gone));
    await tidying(() => rm(gone, { recursive: true }));
  }
}
