import type { TryLock } from "./file-lock.ts";
import { GrowingFile } from "./growing-file.ts";

/** Removes an unfinished file unless somebody is at it. False where it stays, or is gone already. */
export async function removeUnlocked(path: string, tryLock: TryLock): Promise<boolean> {
  const file = await GrowingFile.open(path);
  if (file === undefined || !(await file.lockOrClose(tryLock))) return false;
  try {
    await file.unlink();
    return true;
  } finally {
    await file[Symbol.asyncDispose]();
  }
}
