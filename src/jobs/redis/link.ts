import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { Changes, type JobChanges } from "../changes.ts";
import { JobError } from "../errors.ts";

/** How long who can do without waits for the first answer. */
const shortMs = 2000;

/** How Redis is used. */
export interface LinkOptions {
  /** What all keys begin with; `{…}` keeps them in one slot of a cluster. */
  readonly prefix: string;
  /** How long an answer is waited for. */
  readonly patienceMs: number;
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string;
  /** It is opened though Redis does not answer yet. */
  readonly mayBeAway?: boolean;
  /** Told, once, what of how Redis is set up may lose jobs. */
  readonly warn?: (text: string) => void;
}

/**
 * Two connections to Redis: one to ask, one to hear what others change. They come back by themselves. No command is sent
 * twice: who gets no answer is told so, and decides himself.
 */
export class RedisLink {
  readonly prefix: string;
  readonly changes: JobChanges = { queue: new Changes(), ledger: new Changes() };
  readonly redis: Redis;
  readonly #subscriber: Redis;
  readonly #options: LinkOptions;
  readonly #hashes = new Map<string, string>();
  /** Why there is no connection. */
  #trouble: unknown;
  /** However many wait for a connection, it is listened for once. */
  #becoming: Promise<void> | undefined;
  /** Whether Redis has said that it can be used as it was set. */
  #isGreeted = false;
  #users = 0;

  private constructor(redis: Redis, options: LinkOptions) {
    this.redis = redis;
    this.prefix = options.prefix;
    this.#options = options;
    this.#subscriber = redis.duplicate();
    this.redis.on("error", (error) => {
      this.#trouble = error;
    });
    this.redis.on("ready", () => {
      this.#trouble = undefined;
    });
    this.#subscriber.on("error", () => {});
    // What was told while it was not connected is lost.
    this.#subscriber.on("ready", () => void this.#listen().catch(() => {}));
    this.#subscriber.on("message", (_, told) => {
      const [what, about] = told.split(" ", 2);
      if (what === "queue" || what === "ledger") this.changes[what].tell(about);
    });
  }

  /** @throws {JobError} `job.queue-unreachable`; of what may be away only where Redis refuses */
  static async open(url: string, options: LinkOptions): Promise<RedisLink> {
    const { Redis } = await import("ioredis");
    const redis = new Redis(url, {
      maxRetriesPerRequest: 0, // else who asked when a connection broke would wait for ever, BullMQ too
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false, // `#listen` does it, and bears that it fails
      connectTimeout: options.patienceMs,
      ...(options.ca !== undefined && { tls: { ca: options.ca } }),
      retryStrategy: (times) => Math.min(50 * times, 1000),
    });
    const link = new RedisLink(redis, options);
    try {
      await link.ask(async () => {}, options.mayBeAway ? shortMs : options.patienceMs);
      return link;
    } catch (error) {
      if (options.mayBeAway && error instanceof JobError && !isRefusal(error.cause)) return link;
      link.#close();
      throw error;
    }
  }

  /** Why Redis cannot be asked now, for people; undefined: it can be. */
  get trouble(): string | undefined {
    if (this.redis.status === "ready" && this.#isGreeted) return undefined;
    return unreachable(this.#trouble).message;
  }

  /** Waits for the connection, and the first time for an answer; begins anew where it breaks before that came. */
  async #becomeReady(): Promise<void> {
    do {
      await this.#untilConnected();
      try {
        await this.#greet();
      } catch (error) {
        if (this.redis.status !== "ready") continue;
        this.#trouble = error;
        throw error;
      }
    } while (!this.#isGreeted);
  }

  async #greet(): Promise<void> {
    if (this.#isGreeted) return;
    await this.redis.ping();
    // A database that is none would be passed over without a word, and that of somebody else used.
    if (this.redis.options.db) await this.redis.select(this.redis.options.db);
    await this.#lookAtEviction();
    this.#isGreeted = true;
  }

  /** Asked by ourselves, and not by BullMQ, which tells standard error by itself. Who may not ask is not told. */
  async #lookAtEviction(): Promise<void> {
    const { warn } = this.#options;
    if (!warn) return;
    const info = await this.redis.info("memory").catch(() => "");
    const of = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
    const policy = of("maxmemory_policy") ?? "noeviction";
    if (policy === "noeviction" || of("maxmemory") === "0") return;
    warn(`Redis may throw jobs away when its memory is full: maxmemory-policy is ${policy}`);
  }

  async #listen(): Promise<void> {
    await this.#subscriber.subscribe(this.#channel);
    this.changes.queue.tell();
    this.changes.ledger.tell();
  }

  get #channel(): string {
    return `${this.prefix}:changes`;
  }

  /** Tells everybody that something has changed; that it was changed is what counts, so it does not matter who hears it. */
  tell(what: keyof JobChanges, about?: string): void {
    this.changes[what].tell(about);
    const text = about === undefined ? what : `${what} ${about}`;
    this.redis.publish(this.#channel, text).catch(() => {});
  }

  /**
   * Does what asks Redis, once it can be asked.
   *
   * @throws {JobError} `job.queue-unreachable`; it is not known then whether it was done, or still will be
   */
  async ask<T>(work: () => Promise<T>, patienceMs: number = this.#options.patienceMs): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(unreachable(this.#trouble)), patienceMs);
    try {
      await Promise.race([this.#ready(), late]);
      return await Promise.race([work(), late]);
    } catch (error) {
      if (error instanceof JobError || isAnswer(error)) throw error;
      throw unreachable(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Runs a script of ours: `ARGV[1]` is the prefix of all keys, the values come after it.
   *
   * @throws {JobError} as {@link ask}
   */
  run(lua: string, values: readonly (string | number)[]): Promise<unknown> {
    const hash = this.#hashes.get(lua) ?? createHash("sha1").update(lua).digest("hex");
    this.#hashes.set(lua, hash);
    const words = [1, this.prefix, this.prefix, ...values] as const;
    return this.ask(async () => {
      try {
        return await this.redis.evalsha(hash, ...words);
      } catch (error) {
        if (!String(error).includes("NOSCRIPT")) throw error;
        return await this.redis.eval(lua, ...words); // a Redis that was started anew
      }
    });
  }

  async #ready(): Promise<void> {
    if (this.redis.status === "ready" && this.#isGreeted) return;
    this.#becoming ??= this.#becomeReady().finally(() => {
      this.#becoming = undefined;
    });
    this.#becoming.catch(() => {}); // told to those who still wait
    await this.#becoming;
  }

  async #untilConnected(): Promise<void> {
    const { redis } = this;
    if (redis.status === "ready") return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ready = () => resolve();
    const end = () => reject(new Error("The connection was closed"));
    redis.once("ready", ready).once("end", end);
    if (redis.status === "end") end();
    try {
      await promise;
    } finally {
      redis.off("ready", ready).off("end", end);
    }
  }

  /** One more has to {@link leave} before it is closed. */
  join(): this {
    this.#users++;
    return this;
  }

  leave(): void {
    if (--this.#users === 0) this.#close();
  }

  #close(): void {
    this.changes.queue.close();
    this.changes.ledger.close();
    this.redis.disconnect();
    this.#subscriber.disconnect();
  }
}

/** BullMQ says by a number what a job's state does not allow. */
function isAnswer(error: unknown): boolean {
  return typeof (error as { readonly code?: unknown }).code === "number";
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

function unreachable(cause: unknown): JobError {
  const refusal = isRefusal(cause) ? cause.message : undefined;
  const state = refusal === undefined ? "Redis does not answer" : "Redis refuses";
  return new JobError("job.queue-unreachable", `Cannot reach the jobs: ${state}${whyOf(cause)}`, {
    hint: hintFor(refusal),
    retryable: true,
    ...(cause !== undefined && { cause }),
  });
}

function hintFor(refusal: string | undefined): string {
  if (refusal === undefined)
    return "Look whether Redis runs, and whether it may be reached from here";
  return /^(?:WRONGPASS|NOAUTH|NOPERM|ERR)\b/.test(refusal)
    ? "Look at the password, the number of the database, and what its user may do"
    : "Look how Redis is: its memory, its disk, whether it is a replica";
}

/** What Redis says, or the system; not what ioredis says of how it was asked. */
function whyOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  const isTold =
    cause.name === "ReplyError" || typeof (cause as { code?: unknown }).code === "string";
  return isTold ? `: ${cause.message}` : "";
}
