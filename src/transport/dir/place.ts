import {
  access,
  constants,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { reading, tidying, unless, writing } from "../../layout/errors.ts";
import { newOwner, type OwnProcess } from "../../layout/owner.ts";
import { isUnfinishedName, sweepUnfinished, unfinishedPath } from "../../layout/unfinished.ts";
import { TransportError } from "../contract/errors.ts";
import { isKnownVersion, versionFile, versionText } from "./file-names.ts";

/** What stands where a dir: image is to be written. */
export type Standing = "nothing" | "empty" | "image";

/**
 * @throws {TransportError} `transport.unsupported` for a folder of something else, which is not to be overwritten
 * @throws {LayoutError} `layout.unreadable`
 */
export async function lookAt(folder: string): Promise<Standing> {
  const found = await reading(`faccessat ${folder}`, () => unless(["ENOENT"], () => stat(folder)));
  if (!found) return "nothing";
  const names = await reading(`open ${folder}`, () => readdir(folder));
  if (names.every(isUnfinishedName)) return "empty";
  const path = join(folder, versionFile);
  const version = await reading(`open ${path}`, () =>
    unless(["ENOENT"], () => readFile(path, "utf8")),
  );
  if (version !== undefined && isKnownVersion(version)) return "image";
  const isAlone = names.every((name) => name === versionFile || isUnfinishedName(name));
  if (version === "" && isAlone) return "empty"; // who marked it was killed before he wrote the mark
  throw new TransportError(
    "transport.unsupported",
    "not a containers image directory, don't want to overwrite important data",
    { hint: "Name a folder that is new, empty, or was written by a copy to dir:" },
  );
}

/** Whether a folder says that it holds an image. */
export async function isKnownFolder(folder: string): Promise<boolean> {
  const path = join(folder, versionFile);
  const version = await reading(`open ${path}`, () =>
    unless(["ENOENT", "ENOTDIR", "EISDIR"], () => readFile(path, "utf8")),
  );
  return version !== undefined && isKnownVersion(version);
}

/** Says that an empty folder is one of ours, so that it is not refused later should we be killed in the middle. */
export async function markEmpty(folder: string): Promise<void> {
  const path = join(folder, versionFile);
  await writing(`open ${path}`, () => writeFile(path, versionText([])));
}

/** Takes {@link markEmpty} back, unless there is more in the folder by now. */
export async function unmarkEmpty(folder: string): Promise<void> {
  await tidying(async () => {
    const names = await readdir(folder);
    if (names.some((name) => name !== versionFile && !isUnfinishedName(name))) return;
    await unlink(join(folder, versionFile));
  });
}

/** Where an image is put together, out of everybody's sight, until it takes its place. */
export interface Aside extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a folder beside `folder`, from which a rename brings files there. Where that cannot be, inside it: `folder` may
 * be a mount, or the folder above not ours to write in.
 *
 * Disposing of it removes what is left of it.
 */
export async function makeAside(
  folder: string,
  standing: Standing,
  self: OwnProcess,
): Promise<Aside> {
  const above = dirname(folder);
  await sweepUnfinished(above, self);
  if (standing === "nothing") {
    const operation = `unable to create directory "${folder}": mkdir ${folder}`;
    return await writing(operation, () => madeIn(above, self));
  }
  const version = join(folder, versionFile);
  await writing(`creating version file "${version}": open ${version}`, () =>
    access(folder, constants.W_OK | constants.X_OK),
  );
  await sweepUnfinished(folder, self);
  if (folder !== above && (await onSameDevice(folder, above))) {
    const beside = await unless(["EACCES", "EPERM", "EROFS"], () => madeIn(above, self));
    if (beside) return beside;
  }
  const inside = () => writing(`mkdir ${folder}`, () => madeIn(folder, self));
  return standing === "empty" ? await inMarked(folder, inside) : await inside();
}

async function madeIn(parent: string, self: OwnProcess): Promise<Aside> {
  const path = unfinishedPath(parent, newOwner(self));
  await mkdir(path, { mode: 0o755 });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await tidying(() => rm(path, { recursive: true, force: true }));
    },
  };
}

async function inMarked(folder: string, make: () => Promise<Aside>): Promise<Aside> {
  await markEmpty(folder);
  try {
    const aside = await make();
    return {
      path: aside.path,
      async [Symbol.asyncDispose]() {
        await aside[Symbol.asyncDispose]();
        await unmarkEmpty(folder);
      },
    };
  } catch (error) {
    await unmarkEmpty(folder);
    throw error;
  }
}

async function onSameDevice(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)]);
  return a.dev === b.dev;
}
