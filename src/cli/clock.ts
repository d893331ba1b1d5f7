import type { Clock } from "../registry/clock.ts";

/** The time of this machine. */
export const clock: Clock = {
  now: Date.now,
  sleep: (ms, signal) =>
    new Promise<void>((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", abort);
        resolve();
      }, ms);
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
    }),
};
