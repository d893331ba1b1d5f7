import { fdatasync, type PathLike } from "node:fs";
import { open } from "node:fs/promises";

/** Syncs one file for many: whoever asks while one is under way shares the next. */
export class GroupSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Whether one is under way. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** What was written before this call is on the disk when it returns. */
  done(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.catch(() => {}).then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

/** Syncs folders, so that the names in them are on the disk. */
export class FolderSyncs {
  readonly #groups = new Map<string, GroupSync>();

  /** The names of `folder` as they are now. */
  async done(folder: string): Promise<void> {
    const group = this.#groups.get(folder) ?? new GroupSync(() => syncFolder(folder));
    this.#groups.set(folder, group);
    try {
      await group.done();
    } finally {
      if (!group.busy) this.#groups.delete(folder);
    }
  }
}

/** Brings the names in a folder to the disk. */
export async function syncFolder(folder: PathLike): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings a file's bytes to the disk. */
export function syncDescriptor(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
