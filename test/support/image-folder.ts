import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../src/core/digest.ts";
import { hexOf } from "../../src/core/digest.ts";
import type { TestImage } from "./images.ts";

/** Writes an image as a dir: folder. */
export async function writeImageFolder(folder: string, image: TestImage): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "version"), "Directory Transport Version: 1.1\n");
  await writeFile(join(folder, "manifest.json"), image.bytes);
  for (const [digest, bytes] of image.blobs) {
    await writeFile(join(folder, hexOf(digest as Digest)), bytes);
  }
}
