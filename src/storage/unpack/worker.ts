// The thread that layers are unpacked on: one layer, or small ones of one image one after the other.
import { constants, openSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { closeFile } from "../../libc/at.ts";
import { capability, keepCapabilities } from "../../libc/capabilities.ts";
import { confineTo } from "../../libc/landlock.ts";
import type { PoolTask, WorkerTask } from "./messages.ts";
import { runTask } from "./run-task.ts";

/** From here on this thread works on bytes that nobody has vouched for. */
function confine(folders: readonly number[]): void {
  const { chown, dacOverride, fowner, fsetid, sysAdmin, mknod, setfcap } = capability;
  confineTo(folders);
  // trusted.* attributes, overlayfs' among them, are for CAP_SYS_ADMIN alone.
  keepCapabilities([chown, dacOverride, fowner, fsetid, sysAdmin, mknod, setfcap]);
}

function serve({ pool }: PoolTask): void {
  const { O_RDONLY, O_DIRECTORY } = constants;
  const folders = pool.map((folder) => openSync(folder, O_RDONLY | O_DIRECTORY));
  confine(folders);
  folders.forEach(closeFile);
  parentPort?.on("message", (task: WorkerTask) => {
    parentPort?.postMessage(runTask(task, () => {})); // confined already
  });
}

const start = workerData as WorkerTask | PoolTask;
if ("pool" in start) serve(start);
else parentPort?.postMessage(runTask(start, confine));
