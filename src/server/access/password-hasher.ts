import { Worker } from "node:worker_threads";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { Compared, Comparison } from "./bcrypt-worker.ts";
import { bcryptWorkerFile } from "./bcrypt-worker-file.ts";

/** Compares passwords with bcrypt hashes in a thread that is there while there is something to compare. */
export interface PasswordHasher {
  /** @throws {RegistryAnswerError} 429 where too many wait already */
  matches(password: string, hash: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(same: boolean): void;
  reject(error: Error): void;
}

const idleMs = 30_000;

/** @param maxWaiting how many may wait for the thread */
export function createPasswordHasher(maxWaiting = 64): PasswordHasher {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let count = 0;
  const end = async () => {
    clearTimeout(idle);
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };
  const failed = (error: Error) => {
    worker = undefined;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const answered = ({ id, same }: Compared) => {
    waiting.get(id)?.resolve(same);
    waiting.delete(id);
    if (waiting.size === 0) idle = setTimeout(() => void end(), idleMs).unref();
  };
  const started = () => {
    const thread = new Worker(bcryptWorkerFile, {
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    thread.unref();
    return thread.on("message", answered).on("error", failed);
  };
  return {
    matches(password, hash) {
      if (waiting.size >= maxWaiting) return Promise.reject(busy());
      clearTimeout(idle);
      worker ??= started();
      const id = count++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker?.postMessage({ id, password, hash } satisfies Comparison);
      });
    },
    close: end,
  };
}

function busy(): RegistryAnswerError {
  return new RegistryAnswerError("TOOMANYREQUESTS", "too many passwords to check", {
    status: 429,
    headers: { "Retry-After": "2" },
    retryable: true,
  });
}
