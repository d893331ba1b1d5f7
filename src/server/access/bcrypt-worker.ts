import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";

// Hashing takes as long as it is meant to: here nobody waits for the thread.
parentPort?.on("message", ({ id, password, hash }: Comparison) => {
  parentPort?.postMessage({ id, same: compareSync(password, hash) } satisfies Compared);
});

/** What the thread is asked. */
export interface Comparison {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

/** What it answers. */
export interface Compared {
  readonly id: number;
  readonly same: boolean;
}
