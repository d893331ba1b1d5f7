import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../../src/registry/clock.ts";

/** How much less than asked a wait takes; some of it stays, so that longer waits end later. */
const speed = 100;

/** A clock that is set forward by what was waited for, and else goes as the world's: it makes no machine seem slow. */
export class SteppedClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const due = this.now() + ms;
    await pause(ms / speed);
    this.#aheadMs += Math.max(0, due - this.now());
    signal.throwIfAborted();
  }
}
