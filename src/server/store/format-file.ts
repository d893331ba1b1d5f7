import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { unless } from "../../layout/errors.ts";
import { syncFolder } from "../../stream/group-sync.ts";
import { StoreError } from "./errors.ts";
import type { StorePaths } from "./store-paths.ts";

/** The version of what is in the folder, files and database together. */
export const formatVersion = 1;

const formatSchema = z.object({ format: z.number().int().positive() });

/**
 * Sees that the folder is of a format that we know, and says so in it where nothing does yet. Other members of the file are
 * for later versions to add.
 *
 * @throws {StoreError} `registry-store.newer-format`, `registry-store.not-a-store`
 */
export async function checkFormat(paths: StorePaths): Promise<void> {
  const text = await unless(["ENOENT"], () => readFile(paths.format, "utf8"));
  if (text === undefined) return await writeFormat(paths);
  const found = versionIn(text);
  if (found === undefined) {
    throw new StoreError("registry-store.not-a-store", `${paths.format} does not say a format`);
  }
  if (found > formatVersion) {
    throw new StoreError(
      "registry-store.newer-format",
      `${paths.folder} is of format ${found}; this version of amphora knows ${formatVersion}`,
      { hint: "Run the version that has last used it, or a newer one" },
    );
  }
}

function versionIn(text: string): number | undefined {
  try {
    return formatSchema.safeParse(JSON.parse(text)).data?.format;
  } catch {
    return undefined; // no JSON
  }
}

async function writeFormat(paths: StorePaths): Promise<void> {
  const aside = `${paths.format}.${randomBytes(6).toString("hex")}`;
  const handle = await open(aside, "wx", 0o644);
  try {
    await handle.writeFile(`{"format":${formatVersion}}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(aside, paths.format);
  for (const folder of [paths.blobs, paths.folder]) await syncFolder(folder);
  await syncFolder(dirname(paths.folder)).catch(() => {}); // it may not be ours to read
}
