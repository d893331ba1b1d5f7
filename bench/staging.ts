import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Command, run } from "./measure.ts";

const pollMs = 10;

/** Runs the command with `folder` for temporary files; gives the most bytes that were seen in it at once. */
export async function stagedBytes({ words, env }: Command, folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  let most = 0;
  let running = true;
  const ended = run({ words, env: { ...env, TMPDIR: folder } }).finally(() => {
    running = false;
  });
  ended.catch(() => {}); // thrown below
  while (running) {
    most = Math.max(most, await bytesIn(folder));
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
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
