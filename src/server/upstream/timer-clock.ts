import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../registry/clock.ts";

/** A clock that waits by timers, which keep no process alive. */
export function timerClock(now: () => number): Clock {
  return {
    now,
    async sleep(ms, signal) {
      try {
        await sleep(ms, undefined, { signal, ref: false });
      } catch {
        signal.throwIfAborted(); // its own reason, in place of the timer's
      }
    },
  };
}
