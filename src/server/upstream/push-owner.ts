import { randomBytes } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TryLock } from "../store/file-lock.ts";
import { GrowingFile } from "../store/growing-file.ts";
import { removeUnlocked } from "../store/remove-unlocked.ts";

/** Where those who pass pushes on keep a file each. */
export interface PushOwnersPlace {
  readonly folder: string;
  readonly tryLock: TryLock;
}

/**
 * One who passes pushes on, known to other processes by a file that is locked for as long as it lives: what it has claimed is
 * free at once when it was killed. Disposing removes the file.
 */
export class PushOwner implements AsyncDisposable {
  readonly id: string;
  readonly #place: PushOwnersPlace;
  readonly #file: GrowingFile;

  private constructor(id: string, place: PushOwnersPlace, file: GrowingFile) {
    this.id = id;
    this.#place = place;
    this.#file = file;
  }

  /** Also removes what those who are gone have left. */
  static async begin(place: PushOwnersPlace): Promise<PushOwner> {
    const { folder, tryLock } = place;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) await removeUnlocked(join(folder, name), tryLock);
    for (;;) {
      const id = randomBytes(12).toString("hex");
      const file = await GrowingFile.create(join(folder, id));
      // Before it was locked somebody may have taken it for that of one who is gone.
      if (await file.lockOrClose(tryLock)) return new PushOwner(id, place, file);
    }
  }

  /** Whether another is gone for good. */
  async isGone(id: string): Promise<boolean> {
    if (id === this.id || !/^[0-9a-f]{24}$/.test(id)) return false;
    const path = join(this.#place.folder, id);
    await removeUnlocked(path, this.#place.tryLock);
    const left = await GrowingFile.open(path);
    await left?.[Symbol.asyncDispose]();
    return left === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.unlink();
    await this.#file[Symbol.asyncDispose]();
  }
}
