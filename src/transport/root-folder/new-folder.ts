import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { LayoutError, tidying, unless, writing } from "../../layout/errors.ts";
import { identifyProcess, newOwner } from "../../layout/owner.ts";
import { sweepUnfinished, unfinishedPath } from "../../layout/unfinished.ts";

/**
 * A folder that is there, under its name, only when it is whole. Until then it is beside it under another, open to nobody
 * else; disposed of before {@link finish}, it is gone. What runs that were killed left beside it is removed.
 */
export class NewFolder implements AsyncDisposable {
  /** Where to write. */
  readonly path: string;
  readonly #target: string;

  private constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
  }

  /**
   * Begins a folder that will be called `target`, which is not there yet or is empty.
   *
   * @throws {LayoutError} `layout.unsupported` where there is something else; `layout.missing`, `layout.unwritable`
   */
  static async begin(target: string): Promise<NewFolder> {
    await refuseOccupied(target);
    const parent = dirname(target);
    await writing(`mkdir ${parent}`, () => mkdir(parent, { recursive: true }));
    const self = await identifyProcess();
    await sweepUnfinished(parent, self);
    const path = unfinishedPath(parent, newOwner(self));
    await writing(`mkdir ${path}`, () => mkdir(path, { mode: 0o700 }));
    return new NewFolder(path, target);
  }

  /** Gives it, or a folder in it, the name. */
  async finish(whole: string): Promise<void> {
    await writing(`rename ${whole} ${this.#target}`, () => move(whole, this.#target));
    await flush(dirname(this.#target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tidying(() => rm(this.path, { recursive: true, force: true }));
  }
}

/** Who may not write a folder may not move it into another. */
async function move(from: string, to: string): Promise<void> {
  const { mode } = await stat(from);
  const isReadOnly = (mode & 0o200) === 0;
  if (isReadOnly) await chmod(from, mode | 0o700);
  await rename(from, to);
  if (isReadOnly) await chmod(to, mode & 0o7777);
}

async function refuseOccupied(target: string): Promise<void> {
  const names = await unless(["ENOENT"], async () => {
    try {
      return await readdir(target);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return [""];
      throw error;
    }
  });
  if (names === undefined || names.length === 0) return;
  throw new LayoutError("layout.unsupported", `${target} is there already, and not empty`, {
    hint: `Name a new folder, or remove ${basename(target)} first`,
  });
}

async function flush(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
