// The thread that a layer is unpacked on: one layer, one thread.
import { parentPort, workerData } from "node:worker_threads";
import { capability, keepCapabilities } from "../../libc/capabilities.ts";
import { confineTo } from "../../libc/landlock.ts";
import type { WorkerTask } from "./messages.ts";
import { runTask } from "./run-task.ts";

/** From here on this thread works on bytes that nobody has vouched for. */
function confine(folders: readonly number[]): void {
  const { chown, dacOverride, fowner, fsetid, sysAdmin, mknod, setfcap } = capability;
  confineTo(folders);
  // trusted.* attributes, overlayfs' among them, are for CAP_SYS_ADMIN alone.
  keepCapabilities([chown, dacOverride, fowner, fsetid, sysAdmin, mknod, setfcap]);
}

parentPort?.postMessage(runTask(workerData as WorkerTask, confine));
