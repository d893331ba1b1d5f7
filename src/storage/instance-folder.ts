import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFoldersSync } from "../core/make-folders.ts";
import { tryRecordLock } from "../libc/record-lock.ts";
import { errnoOf, unless, writing } from "./errors.ts";
import { removeTree } from "./remove-tree.ts";

const lockPrefix = "lock-";
const folderPrefix = "temp-dir-";

/**
 * A folder that goes when its process does: it stands beside a lock file that we keep locked, and whoever can lock it may remove both. The
 * Go library has the same (`tempdirs`, `tmp`; spec 8.3), and each tidies up after the other.
 */
export class InstanceFolder implements AsyncDisposable {
  readonly path: string;
  readonly #lockPath: string;
  readonly #fd: number;

  private constructor(path: string, lockPath: string, fd: number) {
    this.path = path;
    this.#lockPath = lockPath;
    this.#fd = fd;
  }

  /** @throws {StorageError} `storage.unwritable` */
  static create(parent: string): InstanceFolder {
    return writing("mkdir", parent, () => {
      makeFoldersSync(parent, 0o700);
      for (;;) {
        const made = InstanceFolder.#make(parent, randomBytes(8).toString("hex"));
        if (made) return made;
      }
    });
  }

  /** Undefined where the lock file was taken for a dead process's. */
  static #make(parent: string, name: string): InstanceFolder | undefined {
    const lockPath = join(parent, lockPrefix + name);
    const path = join(parent, folderPrefix + name);
    const fd = lockNewFile(lockPath);
    if (fd === undefined) return undefined;
    try {
      mkdirSync(path, { mode: 0o700 });
      return new InstanceFolder(path, lockPath, fd);
    } catch (error) {
      rmSync(lockPath, { force: true });
      closeSync(fd);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeWithLock(this.path, this.#lockPath, this.#fd);
  }
}

/**
 * Removes folders that dead processes left. Those that cannot be looked at or removed stay: they are only in the way of
 * space.
 */
export async function removeStaleFolders(parent: string, names: readonly string[]): Promise<void> {
  for (const instance of instancesOf(names)) {
    const lockPath = join(parent, lockPrefix + instance);
    const fd = lockIfStale(lockPath);
    if (fd !== undefined) await removeWithLock(join(parent, folderPrefix + instance), lockPath, fd);
  }
}

function instancesOf(names: readonly string[]): ReadonlySet<string> {
  const instances = names.flatMap((name) => /^(?:lock|temp-dir)-(.+)$/s.exec(name)?.[1] ?? []);
  return new Set(instances);
}

/** Undefined where it was taken for a dead process's, in the moment before it was locked. */
function lockNewFile(path: string): number | undefined {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const fd = openSync(path, flags, 0o600);
  try {
    if (tryRecordLock(fd, "exclusive") && isStillAt(path, fd)) return fd;
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function isStillAt(path: string, fd: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

/** A folder without a lock file gets one, so that two who tidy up do not meet. */
function lockIfStale(path: string): number | undefined {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = unless(["EACCES", "EPERM", "EROFS", "ELOOP", "ENOENT", "EISDIR", "ENXIO"], () =>
    openSync(path, flags, 0o600),
  );
  if (fd === undefined) return undefined;
  if (tryRecordLock(fd, "exclusive") && isStillAt(path, fd)) return fd;
  closeSync(fd);
  return undefined;
}

/**
 * The lock file goes after the folder: as long as the folder is there, it tells that somebody is at it. What cannot be removed
 * is left to the next process; it is not worth failing for, and would hide why we tidy up.
 */
async function removeWithLock(folder: string, lockPath: string, fd: number): Promise<void> {
  try {
    await removeTree(folder);
    rmSync(lockPath, { force: true });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  } finally {
    closeSync(fd);
  }
}
