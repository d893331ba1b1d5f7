import { type Dirent, rmdirSync } from "node:fs";
import { opendir, rename } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { errnoOf, unless } from "./errors.ts";

/** Removes a folder with all that is in it, without following links; one that is not there is removed already. */
export async function removeTree(path: string): Promise<void> {
  if (isGone(path)) return;
  for (let round = 0; ; round++) {
    try {
      return await removeInThread(path);
    } catch (error) {
      if (errnoOf(error) !== "ENAMETOOLONG") throw error;
      if ((await lift(Buffer.from(path), round)) === 0) throw error;
    }
  }
}

/** Most are empty: what was unpacked into them has been moved away. */
function isGone(path: string): boolean {
  const gone = unless(["ENOTEMPTY", "EEXIST"], () => {
    unless(["ENOENT"], () => rmdirSync(path));
    return true;
  });
  return gone === true;
}

/** The synchronous call costs half the time of the other, but all of it at once. */
const program = `
  const { workerData: path } = require("node:worker_threads");
  require("node:fs").rmSync(path, { recursive: true, force: true });
`;

async function removeInThread(path: string): Promise<void> {
  const thread = new Worker(program, { eval: true, workerData: path, env: {}, execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    thread.on("error", reject).on("exit", () => resolve());
  });
}

/** Of the 4 096 bytes that a path may have. */
const longPath = 2000;

/** Moves folders that lie too deep for a path up to the top, and gives their number. */
async function lift(top: Buffer, round: number): Promise<number> {
  let count = 0;
  const folders = [top];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    for (const path of await foldersIn(folder)) {
      if (path.byteLength < longPath) folders.push(path);
      else await rename(path, Buffer.concat([top, Buffer.from(`/lifted-${round}-${count++}`)]));
    }
  }
  return count;
}

async function foldersIn(folder: Buffer): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  // Its types know texts only; the names are as they are asked for.
  const entries: AsyncIterable<Dirent<string | Buffer>> = await opendir(folder, {
    encoding: "buffer" as "utf8",
  });
  for await (const entry of entries) {
    if (entry.isDirectory())
      found.push(Buffer.concat([folder, Buffer.from("/"), Buffer.from(entry.name as Buffer)]));
  }
  return found;
}
