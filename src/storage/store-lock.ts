import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type LockKind, recordLockHolder, tryRecordLock } from "../libc/record-lock.ts";
import { StorageError, unless, writing } from "./errors.ts";
import { newToken } from "./last-writer.ts";

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal: AbortSignal;
  /** After this long the wait is given up. Older podmans keep the lock all the while they unpack a layer. */
  readonly patienceMs: number;
}

/** Asked again after 1 ms, then after ever longer, but never longer than this. */
const longestPauseMs = 50;

/** One of a store's lock files, locked until disposed of. */
export class StoreLock implements Disposable {
  readonly path: string;
  readonly #fd: number;
  #isHeld = true;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Waits without holding up anything else in this process.
   *
   * @throws {StorageError} `storage.busy`, saying who has the lock where that can be known; `storage.unwritable`
   */
  static async take(path: string, kind: LockKind, options: LockOptions): Promise<StoreLock> {
    const flags = constants.O_RDWR | constants.O_CREAT;
    const fd = writing("open", path, () => openSync(path, flags, 0o644));
    try {
      await waitFor(fd, path, kind, options);
      return new StoreLock(path, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * Tells everybody who remembers what he has read that it is about to change. To be called under the exclusive lock, before
   * the change.
   */
  markWritten(): void {
    writing("write", this.path, () => writeSync(this.#fd, newToken(), 0, undefined, 0));
  }

  [Symbol.dispose](): void {
    if (this.#isHeld) closeSync(this.#fd);
    this.#isHeld = false;
  }
}

async function waitFor(fd: number, path: string, kind: LockKind, options: LockOptions) {
  const { signal, patienceMs } = options;
  const end = performance.now() + patienceMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, longestPauseMs)) {
    signal.throwIfAborted();
    if (writing("lock", path, () => tryRecordLock(fd, kind))) return;
    if (performance.now() >= end) throw busy(fd, path, kind, patienceMs);
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function busy(fd: number, path: string, kind: LockKind, patienceMs: number): StorageError {
  const pid = recordLockHolder(fd, kind);
  const holder = pid === undefined ? "another process" : describe(pid);
  const message = `waited ${patienceMs / 1000} s for ${path}, which ${holder} has locked`;
  const hint = "Try again when it has finished.";
  return new StorageError("storage.busy", message, { hint, retryable: true });
}

function describe(pid: number): string {
  const path = `/proc/${pid}/comm`;
  const name = unless(["ENOENT", "ESRCH", "EACCES"], () => readFileSync(path, "utf8").trim());
  return name ? `${name} (process ${pid})` : `process ${pid}`;
}
