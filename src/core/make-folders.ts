import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those it lies in, where they are missing. Not Node's recursive mkdir, which never ends where a folder
 * that is there will have none in it, as /proc: the system then says ENOENT of the new one (Node 26).
 *
 * @throws what the system says, as mkdirSync() does
 */
export function makeFolders(path: string, mode = 0o777): void {
  const failure = failureToMake(path, mode);
  if (failure === undefined) return;
  const parent = dirname(path);
  if (failure.code !== "ENOENT" || parent === path) throw failure;
  makeFolders(parent, mode);
  const again = failureToMake(path, mode);
  if (again) throw again;
}

/** Undefined where the folder is there now. */
function failureToMake(path: string, mode: number): NodeJS.ErrnoException | undefined {
  try {
    mkdirSync(path, { mode });
    return undefined;
  } catch (error) {
    return isFolder(path) ? undefined : (error as NodeJS.ErrnoException);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
