import { parentPort } from "node:worker_threads";
import { loadEncoder } from "./load-encoder.ts";
import type { Deflated, DeflateTask } from "./messages.ts";

const encoder = loadEncoder();
const inside = new Uint8Array(encoder.memory.buffer);

// Whoever asks waits for the answer before it asks again.
parentPort?.on("message", ({ memory, start, before, length }: DeflateTask) => {
  const bytes = new Uint8Array(memory);
  const content = encoder.contentAt();
  inside.set(bytes.subarray(start - before, start + length), content - before);
  const packed = encoder.deflate(before, length);
  bytes.set(inside.subarray(encoder.packedAt(), encoder.packedAt() + packed));
  parentPort?.postMessage({ memory, length: packed } satisfies Deflated, [memory]);
});
