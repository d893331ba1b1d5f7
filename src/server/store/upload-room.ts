import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { unless } from "../../layout/errors.ts";
import type { TryLock } from "./file-lock.ts";
import { removeUnlocked } from "./remove-unlocked.ts";
import { userMarkIn } from "./upload-names.ts";

const minuteMs = 60_000;
/** An upload that got nothing for so long will get nothing any more, most likely: an empty one, and any other. */
const idleMs = { empty: minuteMs, begun: 60 * minuteMs };

/** Where a user's uploads are, and what time it is. */
export interface UploadRoom {
  readonly folder: string;
  readonly mark: string;
  readonly tryLock: TryLock;
  readonly now: () => number;
}

/** Removes a user's uploads that seem abandoned, before the user is refused another. */
export async function makeRoom({ folder, mark, tryLock, now }: UploadRoom): Promise<void> {
  for (const name of await readdir(folder)) {
    if (userMarkIn(name) !== mark) continue;
    const path = join(folder, name);
    const found = await unless(["ENOENT"], () => stat(path));
    if (found === undefined) continue;
    const age = now() - found.mtimeMs;
    if (age > (found.size === 0 ? idleMs.empty : idleMs.begun)) await removeUnlocked(path, tryLock);
  }
}
