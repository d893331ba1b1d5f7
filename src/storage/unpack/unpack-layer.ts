import { Worker } from "node:worker_threads";
import { createRing, RingWriter } from "./byte-ring.ts";
import type { UnpackedLayer, UnpackTarget, WorkerResult, WorkerTask } from "./messages.ts";
import { errorOf } from "./sent-error.ts";
import { workerFile } from "./worker-file.ts";

/**
 * Unpacks a layer's blob, packed or not, into its targets at once: on a thread of its own, which can touch nothing but the
 * targets' folders where the kernel has Landlock. Nothing of the blob needs to have been verified; whoever calls compares
 * `diffId`. When it settles, nobody works in the folders any more; when it rejects, what is in them is to be deleted.
 *
 * @throws {ContentError} `content.bad-compression` and `content.bad-tar`
 * @throws {CopyError} `copy.unsupported` for bzip2 and xz
 * @throws {UnpackError}
 */
export async function unpackLayer(
  blob: AsyncIterable<Uint8Array>,
  targets: readonly UnpackTarget[],
  { signal }: { readonly signal: AbortSignal },
): Promise<UnpackedLayer> {
  signal.throwIfAborted();
  const task: WorkerTask = { ring: createRing(), targets };
  const writer = new RingWriter(task.ring);
  const result = resultOf(new Worker(workerFile, { workerData: task, ...quiet }), writer);
  // Looked at when the blob is through.
  result.catch(() => {});
  const abort = () => writer.end("aborted");
  signal.addEventListener("abort", abort, { once: true });
  try {
    await fill(writer, blob);
  } catch (error) {
    abort();
    await result.catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  const settled = await result;
  signal.throwIfAborted();
  if ("failure" in settled) throw errorOf(settled.failure);
  return settled.layer;
}

/**
 * The worker needs no environment and none of Node's flags. And Node must not close its files when it ends: it does not see
 * which the worker has closed by itself, and their numbers may be another worker's by then.
 */
const quiet = { env: {}, execArgv: [] as string[], trackUnmanagedFds: false };

async function fill(writer: RingWriter, blob: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of blob) {
    if (!(await writer.write(chunk))) return;
  }
  writer.end("complete");
}

/** What the worker ends with, once it has ended. */
async function resultOf(worker: Worker, writer: RingWriter): Promise<WorkerResult> {
  let result: WorkerResult | undefined;
  let failure: unknown;
  worker.on("message", (message: WorkerResult) => {
    result = message;
  });
  worker.on("error", (error) => {
    failure = error;
  });
  await new Promise((resolve) => worker.on("exit", resolve));
  writer.abandon();
  if (result) return result;
  throw failure ?? new Error("the unpacking thread ended without a word");
}
