import { createRing, RingWriter } from "./byte-ring.ts";
import type { UnpackedLayer, UnpackTarget, WorkerTask } from "./messages.ts";
import { errorOf } from "./sent-error.ts";
import { OwnThread, type UnpackThread } from "./thread.ts";

/** How a layer is unpacked. */
export interface UnpackOptions {
  readonly signal: AbortSignal;
  /** One that several layers share; a new one where none is given. */
  readonly thread?: UnpackThread | undefined;
}

/**
 * Unpacks a layer's blob, packed or not, into its targets at once: on a thread of its own, which can touch nothing but the
 * targets' folders where the kernel has Landlock. Nothing of the blob needs to have been verified; whoever calls compares
 * `diffId`. When it settles, nobody works in the folders any more; when it rejects, what is in them is to be deleted.
 *
 * @throws {ContentError} `content.bad-compression` and `content.bad-tar`
 * @throws {UnpackError}
 */
export async function unpackLayer(
  blob: AsyncIterable<Uint8Array>,
  targets: readonly UnpackTarget[],
  { signal, thread = new OwnThread() }: UnpackOptions,
): Promise<UnpackedLayer> {
  signal.throwIfAborted();
  const task: WorkerTask = { ring: createRing(), targets };
  const writer = new RingWriter(task.ring);
  const result = thread.run(task).finally(() => writer.abandon());
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

async function fill(writer: RingWriter, blob: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of blob) {
    if (!(await writer.write(chunk))) return;
  }
  writer.end("complete");
}
