import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { TryLock } from "./file-lock.ts";
import { GrowingFile } from "./growing-file.ts";

/** What files that end with their process are called; whoever can lock one may remove it. */
export type LockedPrefix = "tmp-" | "fill-";

/** Makes a file that is locked for as long as it is open, under a new name. */
export async function createLockedFile(
  folder: string,
  prefix: LockedPrefix,
  tryLock: TryLock,
): Promise<GrowingFile> {
  for (;;) {
    const file = await GrowingFile.create(join(folder, prefix + randomBytes(16).toString("hex")));
    // Before it was locked somebody may have taken it for a dead process's.
    if (await file.lockOrClose(tryLock)) return file;
  }
}
