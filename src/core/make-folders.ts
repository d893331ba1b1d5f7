import { mkdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those it lies in, where they are missing. Not Node's recursive mkdir, which never ends where a folder
 * that is there will have none in it, as /proc: the system then says ENOENT of the new one (Node 26).
 *
 * @throws what the system says, as mkdir() does
 */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  const make = () => mkdir(path, { mode }).then(nothing, (error) => failureOf(error, path));
  const failure = await make();
  if (failure === undefined) return;
  await makeFolders(parentOf(path, failure), mode);
  const again = await make();
  if (again) throw again;
}

/** As {@link makeFolders}, at once. */
export function makeFoldersSync(path: string, mode = 0o777): void {
  const make = () => {
    try {
      mkdirSync(path, { mode });
    } catch (error) {
      return failureOf(error, path);
    }
  };
  const failure = make();
  if (failure === undefined) return;
  makeFoldersSync(parentOf(path, failure), mode);
  const again = make();
  if (again) throw again;
}

/** Undefined where the folder was there. */
function failureOf(error: unknown, path: string): Error | undefined {
  if (isFolder(path)) return undefined;
  return error instanceof Error ? error : new Error(String(error));
}

/** What is to be made first; throws the failure where that would not help. */
function parentOf(path: string, failure: NodeJS.ErrnoException): string {
  const parent = dirname(path);
  if (failure.code !== "ENOENT" || parent === path) throw failure;
  return parent;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function nothing(): undefined {}
