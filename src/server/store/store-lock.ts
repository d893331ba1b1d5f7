import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "./errors.ts";
import type { TryLock } from "./file-lock.ts";

const patienceMs = 30_000;

/** Held for as long as a store is open. */
export interface StoreLock extends Disposable {
  /** Whether nobody else has the store open: what a dead process has left can be told then. */
  readonly alone: boolean;
  /** Lets others in. */
  share(): void;
}

/**
 * Shares a folder with the other processes that have it open; whoever is the first has it alone until it lets the others in.
 *
 * @throws {StoreError} `registry-store.unusable` where somebody keeps it alone for too long
 */
export async function lockStore(path: string, tryLock: TryLock): Promise<StoreLock> {
  const fd = openSync(path, "a+", 0o644);
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 20) {
    const alone = tryLock(fd, "exclusive");
    if (alone || tryLock(fd, "shared")) {
      const share = () => void tryLock(fd, "shared");
      return { alone, share, [Symbol.dispose]: () => closeSync(fd) };
    }
    await sleep(20);
  }
  closeSync(fd);
  throw new StoreError("registry-store.unusable", `${path} is locked by another process`);
}
