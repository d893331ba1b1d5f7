import type { Redis } from "ioredis";
import type { Clock } from "../../../registry/clock.ts";
import { untilAborted } from "../../../registry/until-aborted.ts";

/** A connection whose answer takes longer is taken for dead, and another made. */
const answerMs = 15_000;
const firstPauseMs = 50;
const longestPauseMs = 2000;

/** What Redis says when it cannot now: it is starting, another takes over, its disk is full. */
const passing =
  /^(?:LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|OOM|NOREPLICAS)\b/;

/** Connections of a coordinator's own to a Redis: whatever happens to that, commands wait for it and are made good. */
export class Connection implements AsyncDisposable {
  readonly clock: Clock;
  /** Before all keys and channels. */
  readonly prefix: string;
  /** Aborts when the connection is closed. */
  readonly closed: AbortSignal;
  readonly #commands: Redis;
  readonly #channels: Redis;
  readonly #close = new AbortController();
  /** Channels that are still to be listened to. */
  #silent = 0;
  readonly #listeners = new Map<string, (text: string) => void>();

  constructor(redis: Redis, clock: Clock, prefix: string) {
    const patient = {
      maxRetriesPerRequest: null,
      lazyConnect: false,
      socketTimeout: answerMs,
      retryStrategy: (times: number) => Math.min(times * firstPauseMs, longestPauseMs),
    } as const;
    this.clock = clock;
    this.prefix = prefix;
    this.closed = this.#close.signal;
    this.#commands = redis.duplicate(patient);
    this.#channels = redis.duplicate(patient);
    for (const client of [this.#commands, this.#channels]) client.on("error", () => {}); // it is waited for
    this.#channels.on("message", (channel: string, text: string) =>
      this.#listeners.get(channel)?.(text),
    );
  }

  /** Has what is told on a channel from now on; what is told while it is not {@link listening} is not heard. */
  listen(channel: string, listener: (text: string) => void): void {
    this.#listeners.set(channel, listener);
    this.#silent++;
    this.#channels.subscribe(channel).then(
      () => this.#silent--,
      () => {}, // closed before it was there
    );
  }

  /** Whether what is told on all channels is heard, as far as is known. */
  get listening(): boolean {
    return this.#silent === 0 && this.#channels.status === "ready";
  }

  /** Runs a script, as often and as late as it takes. */
  async run(
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
    signal: AbortSignal = this.closed,
  ): Promise<unknown> {
    const either = AbortSignal.any([signal, this.closed]);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      either.throwIfAborted();
      try {
        return await untilAborted(
          this.#commands.eval(script, keys.length, ...keys, ...args),
          either,
        );
      } catch (error) {
        either.throwIfAborted();
        if (!mayPass(error)) throw error;
      }
      await this.clock.sleep(pauseMs, either);
    }
  }

  /** Has Redis run a script, after those asked for before; nobody waits for it. */
  post(script: string, keys: readonly string[], args: readonly (string | number)[]): void {
    this.run(script, keys, args).catch(() => {}); // closed, and then nothing is owed
  }

  /** Lets what was asked for go out, if Redis is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed.aborted) return;
    const farewell = AbortSignal.timeout(1000);
    if (this.#commands.status === "ready") {
      await untilAborted(this.#commands.ping(), farewell).catch(() => {});
    }
    this.#close.abort(new Error("the coordinator was closed"));
    this.#commands.disconnect();
    this.#channels.disconnect();
  }
}

/** Whether Redis did not say no for good. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== "ReplyError") return true;
  return passing.test(error.message);
}
