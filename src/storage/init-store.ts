import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFoldersSync } from "../core/make-folders.ts";
import type { StoreArea } from "./area.ts";
import { unless, writing } from "./errors.ts";
import { type LockOptions, StoreLock } from "./store-lock.ts";

/**
 * Makes what a store lacks. Where nothing is missing, no lock is taken.
 *
 * @param mountProgram noted in a new overlay store: it tells which form whiteouts have
 * @throws {StorageError} `storage.unwritable`, `storage.busy`
 */
export async function initStore(
  area: StoreArea,
  mountProgram: boolean,
  options: LockOptions,
): Promise<void> {
  if (missingFolders(area).length === 0) return;
  writing("mkdir", area.root, () => makeFoldersSync(area.root, 0o700));
  using _lock = await StoreLock.take(join(area.root, "storage.lock"), "exclusive", options);
  for (const [path, mode] of missingFolders(area)) {
    writing("mkdir", path, () => unless(["EEXIST"], () => mkdirSync(path, { mode })));
  }
  if (area.driver === "overlay")
    noteMountProgram(join(area.home, ".has-mount-program"), mountProgram);
}

/** Parents first, each with the mode that the Go library gives it. */
function missingFolders(area: StoreArea): readonly (readonly [path: string, mode: number])[] {
  const ofDriver: readonly (readonly [string, number])[] =
    area.driver === "overlay" ? [[join(area.home, "l"), 0o755]] : [[join(area.home, "dir"), 0o700]];
  const folders: readonly (readonly [string, number])[] = [
    [area.home, 0o700],
    ...ofDriver,
    [area.layers, 0o700],
    [area.images, 0o700],
    [area.containers, 0o700],
  ];
  return folders.filter(([path]) => statSync(path, { throwIfNoEntry: false }) === undefined);
}

function noteMountProgram(path: string, used: boolean): void {
  writing("open", path, () =>
    unless(["EEXIST"], () => writeFileSync(path, String(used), { mode: 0o600, flag: "wx" })),
  );
}
