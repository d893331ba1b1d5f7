import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { JobsApiError } from "./errors.ts";
import type { JobsApiParts, StreamLimits } from "./parts.ts";

/** One event of a stream (HTML, § Server-sent events). */
export interface SentEvent {
  /** What a client that comes again says that it has. */
  readonly id?: string;
  readonly type: string;
  readonly data: unknown;
}

const usual: StreamLimits = {
  heartbeatMs: 15_000,
  longestMs: 15 * 60_000,
  perOwner: 16,
  inAll: 256,
};

/** Opens streams of events: so many at a time, each ended with the client, with the server, or after a while. */
export class EventStreams {
  readonly #limits: StreamLimits;
  readonly #ending: AbortSignal;
  readonly #open = new Map<string, number>();
  #inAll = 0;

  constructor({ streams, signal }: Pick<JobsApiParts, "streams" | "signal">) {
    this.#limits = { ...usual, ...streams };
    this.#ending = signal;
  }

  /**
   * Answers with what `events` yields. It is asked for more only as fast as the client takes: who is slow keeps nothing here.
   *
   * @throws {JobsApiError} 429 `job.too-many`
   */
  open(
    reply: FastifyReply,
    owner: string,
    events: (signal: AbortSignal) => AsyncIterable<SentEvent>,
  ): FastifyReply {
    this.#take(owner);
    const { heartbeatMs, longestMs } = this.#limits;
    const gone = new AbortController();
    const closed = () => {
      this.#give(owner);
      gone.abort();
    };
    reply.raw.once("close", closed);
    const signal = AbortSignal.any([gone.signal, this.#ending, AbortSignal.timeout(longestMs)]);
    reply.headers({
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store, no-transform",
      "X-Accel-Buffering": "no",
    });
    return reply.send(Readable.from(frames(events(signal), signal, heartbeatMs)));
  }

  #take(owner: string): void {
    const { perOwner, inAll } = this.#limits;
    const own = this.#open.get(owner) ?? 0;
    if (own >= perOwner || this.#inAll >= inAll) {
      throw new JobsApiError(429, "job.too-many", "there are too many streams of events", {
        hint: "Close some of them",
        headers: { "Retry-After": "10" },
      });
    }
    this.#open.set(owner, own + 1);
    this.#inAll++;
  }

  #give(owner: string): void {
    const own = (this.#open.get(owner) ?? 1) - 1;
    if (own > 0) this.#open.set(owner, own);
    else this.#open.delete(owner);
    this.#inAll--;
  }
}

/** What comes first says that all is well, and when to come again. */
async function* frames(
  events: AsyncIterable<SentEvent>,
  signal: AbortSignal,
  heartbeatMs: number,
): AsyncGenerator<string> {
  const from = events[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<SentEvent>> | undefined = from.next(); // nothing is missed once it says hello
  next.catch(() => {}); // told below
  try {
    yield "retry: 2000\n: hello\n\n";
    while (!signal.aborted) {
      next ??= from.next();
      const come = await within(next, heartbeatMs, signal);
      if (come === "aborted") return;
      if (come === "late") {
        yield ": \n\n";
        continue;
      }
      next = undefined;
      if (come.done) return;
      yield frame(come.value);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    // It may still wait for what never comes: it ends by the signal, not for us to wait for.
    next?.catch(() => {});
    void from.return?.().catch(() => {});
  }
}

function frame({ id, type, data }: SentEvent): string {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return `${head}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function within<T>(
  promise: Promise<T>,
  ms: number,
  signal: AbortSignal,
): Promise<T | "late" | "aborted"> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => resolve("late")), ms);
    const onAbort = () => done(() => resolve("aborted"));
    const done = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(
      (value) => done(() => resolve(value)),
      (error: unknown) => done(() => reject(error)),
    );
  });
}
