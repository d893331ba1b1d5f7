import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Command, run } from "./measure.ts";

const pollMs = 10;

/** Where Go's tools put big files, whatever TMPDIR says to a shell around them. */
const bigFiles = "/var/tmp";

/**
 * Runs the command with `folder` for temporary files; gives the most bytes that were seen at once in it, and in what is new
 * where big temporary files go.
 */
export async function stagedBytes({ words, env }: Command, folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const before = new Set(await namesIn(bigFiles));
  let most = 0;
  let running = true;
  const ended = run({ words, env: { ...env, TMPDIR: folder } }).finally(() => {
    running = false;
  });
  ended.catch(() => {}); // thrown below
  while (running) {
    const fresh = (await namesIn(bigFiles)).filter((name) => !before.has(name));
    const folders = [folder, ...fresh.map((name) => join(bigFiles, name))];
    const sizes = await Promise.all(folders.map(bytesIn));
    most = Math.max(most, sum(sizes));
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  await ended;
  await rm(folder, { recursive: true, force: true });
  return most;
}

/** Whatever is gone by the time it is looked at counts as nothing. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) => {
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    return found?.isFile() ? found.size : 0;
  });
  return sum(await Promise.all(sizes));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
