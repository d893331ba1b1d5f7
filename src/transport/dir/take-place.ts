import { copyFile, readdir, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, unless, writing } from "../../layout/errors.ts";
import { lockFolder } from "../../layout/folder-lock.ts";
import { newOwner, type OwnProcess } from "../../layout/owner.ts";
import { isUnfinishedName, unfinishedPath } from "../../layout/unfinished.ts";
import { isTopSignature, manifestFile, versionFile } from "./file-names.ts";
import { lookAt, markEmpty, type Standing, unmarkEmpty } from "./place.ts";

/** Who moves an image, and until when. */
export interface TakePlaceOptions {
  readonly self: OwnProcess;
  readonly signal: AbortSignal;
  /** Called where something stands there already, before it is changed; what it throws leaves it as it is. */
  readonly beforeChange?: () => Promise<void>;
}

/**
 * Brings the image put together in `aside` to `folder`.
 *
 * A folder that is not there yet appears whole. One that is there stays the same folder (it may be mounted, open, or
 * somebody's working folder) and gets the files one by one, manifest.json last: what is read there is, at any moment,
 * the old image or the new one. Two that do this take turns, and the second's image stays. See docs/decisions/0011.
 */
export async function takePlace(
  aside: string,
  folder: string,
  standing: Standing,
  options: TakePlaceOptions,
): Promise<void> {
  if (standing === "nothing" && (await becameFolder(aside, folder))) return;
  const now = await lookAt(folder); // another may have put something there meanwhile
  if (now === "empty") await markEmpty(folder); // before the lock is in it
  try {
    await using lock = await lockFolder(folder, options);
    await options.beforeChange?.();
    await writing(`open ${folder}`, () =>
      bringAll(aside, folder, options.self, () => lock.assertHeld()),
    );
  } catch (error) {
    if (now === "empty") await unmarkEmpty(folder);
    throw error;
  }
}

/** False where there is a folder with something in it. */
async function becameFolder(aside: string, folder: string): Promise<boolean> {
  const done = await writing(`rename ${aside} ${folder}`, () =>
    unless(["ENOTEMPTY", "EEXIST"], async () => {
      await rename(aside, folder);
      return true;
    }),
  );
  return done ?? false;
}

async function bringAll(
  aside: string,
  folder: string,
  self: OwnProcess,
  beforeManifest: () => Promise<void>,
): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = await readdir(aside);
  const inTheWay = entries
    .filter((entry) => entry.isDirectory() && names.includes(entry.name))
    .map(({ name }) => name);
  const old = entries
    .map(({ name }) => name)
    .filter((name) => !isUnfinishedName(name) && !inTheWay.includes(name));
  const moves = new Moves(self);
  try {
    for (const name of inTheWay) {
      await moves.move(join(folder, name), join(aside, `old.${name}`), true);
    }
    for (const name of names.filter((each) => !isTop(each))) {
      await moves.move(join(aside, name), join(folder, name), !old.includes(name));
    }
    // From here to the manifest's move the old image has no signature, rather than one that is not its.
    for (const name of old.filter(isTopSignature)) {
      await moves.move(join(folder, name), join(aside, `old.${name}`), true);
    }
    for (const name of names.filter(isTopSignature)) {
      await moves.move(join(aside, name), join(folder, name), true);
    }
    await beforeManifest();
    if (names.includes(manifestFile)) {
      await moves.move(join(aside, manifestFile), join(folder, manifestFile), false);
    }
  } catch (error) {
    await moves.takeBack().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
  const kept = new Set([...names, versionFile]);
  await removeAll(
    folder,
    old.filter((name) => !kept.has(name)),
  );
}

/** What belongs to the image that manifest.json is of, and so has to change with it. */
function isTop(name: string): boolean {
  return name === manifestFile || isTopSignature(name);
}

/** Moves made so far, so that they can be taken back. */
class Moves {
  readonly #self: OwnProcess;
  readonly #made: { readonly from: string; readonly to: string }[] = [];

  constructor(self: OwnProcess) {
    this.#self = self;
  }

  /** @param isNew false where a file of that name was there, which must stay: the same content, or the last move */
  async move(from: string, to: string, isNew: boolean): Promise<void> {
    await moveFile(from, to, this.#self);
    if (isNew) this.#made.push({ from, to });
  }

  async takeBack(): Promise<void> {
    for (const { from, to } of this.#made.reverse()) await moveFile(to, from, this.#self);
  }
}

/** Renames; where the folders turn out to be on two file systems (two mounts of one look the same), copies. */
async function moveFile(from: string, to: string, self: OwnProcess): Promise<void> {
  await writing(`rename ${from} ${to}`, async () => {
    try {
      await rename(from, to);
    } catch (error) {
      if (errnoOf(error) !== "EXDEV") throw error;
      const copy = unfinishedPath(join(to, ".."), newOwner(self));
      await copyFile(from, copy);
      await rename(copy, to);
      await unless(["ENOENT"], () => unlink(from));
    }
  });
}

async function removeAll(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    await writing(`remove ${path}`, () => rm(path, { recursive: true, force: true }));
  }
}
