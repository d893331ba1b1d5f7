// A thread that helps to copy a tree: it copies the names that it is given.
import { parentPort, workerData } from "node:worker_threads";
import { closeFile } from "../../libc/at.ts";
import { statAt } from "../../libc/stat-at.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { kernelPath } from "../unpack/folders.ts";
import { type Entry, EntryCopy, type FolderPair } from "./entry-copy.ts";
import { type Batch, type HelpResult, type HelpTask, Tally } from "./messages.ts";
import { openFolderBelow } from "./open-folder.ts";
import { sentError } from "./sent-error.ts";

const task = workerData as HelpTask;
const tally = new Tally(task.tally);
const linked: ByteString[] = [];
const copy = new EntryCopy(task.options, {
  take({ path }: Entry) {
    linked.push(path);
    return true;
  },
  remember() {},
});

function copyBatch({ path, names }: NonNullable<Batch>): void {
  using stack = new DisposableStack();
  const from = stack.adopt(openFolderBelow(task.from, path), closeFile);
  const to = stack.adopt(openFolderBelow(task.to, path), closeFile);
  const folder: FolderPair = { from, to, path, gid: statAt(to, ".").gid };
  for (const name of names) {
    if (tally.isOver) return;
    copyName(folder, name);
    tally.count();
  }
}

function copyName(folder: FolderPair, name: ByteString): void {
  const path = folder.path === "" ? name : `${folder.path}/${name}`;
  if (task.hidden.has(path)) return;
  const key = kernelPath(name);
  const rest = copy.make({ folder, name: key, path, facts: statAt(folder.from, key) });
  for (const _ of rest ?? []) if (tally.isOver) return;
}

function end(result: HelpResult): void {
  tally.end();
  parentPort?.postMessage(result);
  parentPort?.close();
}

parentPort?.on("message", (batch: Batch) => {
  if (!batch) return end({ linked });
  if (tally.isOver) return;
  try {
    copyBatch(batch);
  } catch (failure) {
    end({ linked, failure: sentError(failure) });
  }
});
