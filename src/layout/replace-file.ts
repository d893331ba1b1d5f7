import { lstat } from "node:fs/promises";
import { dirname } from "node:path";
import { reading, unless } from "./errors.ts";
import type { OwnProcess } from "./owner.ts";
import { UnfinishedFile } from "./unfinished-file.ts";

/**
 * Like writing over the file (its mode and owner stay), but for readers in one step. A link is replaced, and not written
 * through: it may have come with the folder, and lead anywhere.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  self: OwnProcess,
  beforeRename: () => Promise<void> = async () => {},
): Promise<void> {
  const old = await reading(`open ${path}`, () => unless(["ENOENT"], () => lstat(path)));
  await using file = await UnfinishedFile.create(dirname(path), self);
  await file.write(bytes);
  if (old?.isFile()) await file.takeAfter(old);
  await file.sync();
  await beforeRename();
  await file.finish(path);
}
