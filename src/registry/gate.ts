import type { Clock } from "./clock.ts";
import { backoffMs } from "./retry.ts";

/** Kinds of requests that wait for slots of their own, so that none of them can keep another waiting. */
export type Lane = "metadata" | "download" | "upload";

/** What a {@link HostGate} works with. */
export interface GateOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Requests under way at once, each lane. */
  readonly slots: number;
}

/** Who waits for a slot of a lane; without a lane, for the end of a probe alone. */
interface Waiting {
  readonly lane: Lane | undefined;
  readonly wake: () => void;
}

/**
 * How many requests a host gets at once, and when none. A pause holds all lanes; when it ends, one request goes ahead
 * alone, and the others follow when the host has answered it well.
 */
export class HostGate {
  readonly #options: GateOptions;
  readonly #busy: Record<Lane, number> = { metadata: 0, download: 0, upload: 0 };
  readonly #queue: Waiting[] = [];
  #slots: number;
  #successes = 0;
  #pausedUntil = 0;
  /** When a pause was last called for, and how often in a row without a time named. */
  #pausedAt = 0;
  #streak = 0;
  #probing = false;
  #suspicious = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#slots = options.slots;
  }

  /**
   * Waits until a request may be sent, and for a slot of `lane`; the function given back frees it, and may be called
   * twice. Without a lane the caller has a slot already.
   */
  async enter(lane: Lane | undefined, signal: AbortSignal): Promise<() => void> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const wait = this.#pausedUntil - this.#options.clock.now();
        if (wait > 0) await this.#options.clock.sleep(wait, signal);
        else if (!this.#probing && this.#hasSlot(lane)) break;
        else await this.#changed(lane, signal);
      }
    } catch (error) {
      this.#wakeNext(lane); // the slot that woke this one may be free yet
      throw error;
    }
    let probes = this.#suspicious;
    this.#probing = probes;
    const free = this.#take(lane);
    return () => {
      free();
      if (probes) this.answered();
      probes = false; // a second call must not end the probe of another
    };
  }

  /** Waits for a slot to keep for several requests. */
  async keepSlot(lane: Lane, signal: AbortSignal): Promise<() => void> {
    try {
      while (!this.#hasSlot(lane)) await this.#changed(lane, signal);
    } catch (error) {
      this.#wakeNext(lane);
      throw error;
    }
    return this.#take(lane);
  }

  #hasSlot(lane: Lane | undefined): boolean {
    return lane === undefined || this.#busy[lane] < this.#slots;
  }

  #take(lane: Lane | undefined): () => void {
    if (lane) this.#busy[lane]++;
    let taken = lane;
    return () => {
      if (!taken) return;
      this.#busy[taken]--;
      this.#wakeNext(taken);
      taken = undefined;
    };
  }

  /**
   * The host asked, in its answer to a request sent at `sentAt`, to be left alone: for `askedMs`, or, where it named no
   * time, for a while that grows, and with half as many requests at once after.
   *
   * @returns the wait
   */
  slowDown(sentAt: number, askedMs: number | undefined): number {
    const { clock, random, slots } = this.#options;
    const now = clock.now();
    this.#successes = 0;
    if (askedMs !== undefined) {
      this.#pausedUntil = Math.max(this.#pausedUntil, now + askedMs + random() * 100);
    } else if (sentAt >= this.#pausedAt) {
      this.#pausedUntil = Math.max(this.#pausedUntil, now + backoffMs(++this.#streak, random));
      this.#slots = Math.max(1, Math.min(Math.floor(this.#slots / 2), slots));
    }
    this.#pausedAt = now;
    this.#suspicious = true;
    this.answered();
    return Math.max(0, this.#pausedUntil - now);
  }

  /** The host answered: whoever went ahead alone did not do so in vain. */
  answered(): void {
    if (!this.#probing) return;
    this.#probing = false;
    this.#wakeAll();
  }

  /** The host answered a request well. */
  succeeded(): void {
    if (this.#suspicious && this.#pausedUntil <= this.#options.clock.now()) {
      this.#suspicious = false;
      this.#streak = 0;
      this.#probing = false;
      this.#wakeAll();
    }
    if (this.#slots === this.#options.slots || ++this.#successes < 20) return;
    this.#successes = 0;
    this.#slots++;
    this.#wakeAll();
  }

  #changed(lane: Lane | undefined, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    const waiting = { lane, wake: resolve };
    signal.addEventListener("abort", abort, { once: true });
    this.#queue.push(waiting);
    return promise.finally(() => {
      signal.removeEventListener("abort", abort);
      const at = this.#queue.indexOf(waiting);
      if (at >= 0) this.#queue.splice(at, 1);
    });
  }

  /**
   * One slot is one request more: were all woken for it, a copy of many small blobs would do little else. Whoever comes before the one
   * that is woken takes the slot from it, and wakes it again in the end.
   */
  #wakeNext(lane: Lane | undefined): void {
    const at = this.#queue.findIndex((waiting) => waiting.lane === lane);
    for (const { wake } of at < 0 ? [] : this.#queue.splice(at, 1)) wake();
  }

  #wakeAll(): void {
    for (const { wake } of this.#queue.splice(0)) wake();
  }
}
