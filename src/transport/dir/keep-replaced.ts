import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { manifestDigest } from "../../core/manifest.ts";
import { reading, unless, writing } from "../../layout/errors.ts";
import { isUnfinishedName } from "../../layout/unfinished.ts";
import { TransportError } from "../contract/errors.ts";
import type { KeepReplaced } from "../contract/transport.ts";
import { manifestFile } from "./file-names.ts";
import { linkOrCopy } from "./link-or-copy.ts";
import { lookAt, makeAside } from "./place.ts";
import { type TakePlaceOptions, takePlace } from "./take-place.ts";

/** A folder about to get another image. */
export interface ReplacedFolder {
  readonly folder: string;
  /** The image that it gets. */
  readonly next: Digest;
  /** The folder that another name of the same place stands for. */
  folderOf(name: string): string;
}

/**
 * Gives the image in a folder, if it is another, its other folder too: the same files, by hard links, which no copy to
 * `dir:` writes into.
 *
 * @throws {TransportError} `transport.not-kept`
 */
export async function keepReplacedFolder(
  { folder, next, folderOf }: ReplacedFolder,
  keep: KeepReplaced,
  options: TakePlaceOptions,
): Promise<void> {
  try {
    const replaced = await digestIn(folder);
    if (replaced === undefined || replaced === next) return;
    const name = keep.nameOf(replaced);
    await linkImage(folder, folderOf(name), options);
    keep.kept(name, replaced);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw new TransportError(
      "transport.not-kept",
      `Cannot keep what dir:${folder} holds, so it is not replaced: ${error.message}`,
      { cause: error, retryable: error.retryable },
    );
  }
}

/** Of the image in a folder; undefined where there is none. */
export async function digestIn(folder: string): Promise<Digest | undefined> {
  const path = join(folder, manifestFile);
  const bytes = await reading(`open ${path}`, () => unless(["ENOENT"], () => readFile(path)));
  return bytes && manifestDigest(bytes);
}

async function linkImage(from: string, to: string, options: TakePlaceOptions): Promise<void> {
  const standing = await lookAt(to);
  await using aside = await writing(`open ${to}`, () => makeAside(to, standing, options.self));
  const entries = await reading(`open ${from}`, () => readdir(from, { withFileTypes: true }));
  for (const entry of entries) {
    if (!entry.isFile() || isUnfinishedName(entry.name)) continue;
    const [file, other] = [join(from, entry.name), join(aside.path, entry.name)];
    await writing(`link ${file} ${other}`, () => linkOrCopy(file, other));
  }
  await takePlace(aside.path, to, standing, options);
}
