import { rm } from "node:fs/promises";

/** Removes a folder with all that is in it, without following links; one that is not there is removed already. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
