// The thread that a layer is unpacked on: one layer, one thread.
import { parentPort, workerData } from "node:worker_threads";
import type { WorkerTask } from "./messages.ts";
import { runTask } from "./run-task.ts";

parentPort?.postMessage(runTask(workerData as WorkerTask));
