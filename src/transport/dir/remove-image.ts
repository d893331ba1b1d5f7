import { readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { reading, unless, writing } from "../../layout/errors.ts";
import { lockFolder } from "../../layout/folder-lock.ts";
import type { OwnProcess } from "../../layout/owner.ts";
import { isUnfinishedName, lockName } from "../../layout/unfinished.ts";
import { TransportError } from "../contract/errors.ts";
import { isImageFile, manifestFile, versionFile } from "./file-names.ts";
import { lookAt } from "./place.ts";

/**
 * Removes the image in a folder, and the folder. From its first step on there is no image for a reader, and until its last
 * the folder says that it is one of these, so that it can be gone on with.
 *
 * @throws {TransportError} `transport.unsupported`, with nothing removed, where there is more in it than an image
 * @throws {LayoutError} `layout.busy`, `layout.unwritable`
 */
export async function removeDirImage(
  folder: string,
  options: { readonly self: OwnProcess; readonly signal: AbortSignal },
): Promise<void> {
  if ((await lookAt(folder)) !== "image") {
    throw new TransportError("transport.image-not-found", `${folder} holds no image`);
  }
  await filesIn(folder);
  {
    await using lock = await lockFolder(folder, options);
    const files = await filesIn(folder);
    await lock.assertHeld();
    const others = files.filter((name) => !isMark(name));
    for (const name of [manifestFile, ...others, versionFile]) await remove(folder, name);
  }
  for (const path of [join(folder, lockName), folder]) {
    await writing(`remove ${path}`, () => unless(["ENOENT", "ENOTEMPTY"], () => rmdir(path)));
  }
}

function isMark(name: string): boolean {
  return name === manifestFile || name === versionFile;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await reading(`open ${folder}`, () => readdir(folder, { withFileTypes: true }));
  const own = entries.filter(({ name }) => !isUnfinishedName(name));
  const other = own.find((entry) => !entry.isFile() || !isImageFile(entry.name));
  if (!other) return own.map(({ name }) => name);
  throw new TransportError(
    "transport.unsupported",
    `${folder} is not removed: ${other.name} in it belongs to no image`,
  );
}

async function remove(folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  await writing(`remove ${path}`, () => unless(["ENOENT"], () => unlink(path)));
}
