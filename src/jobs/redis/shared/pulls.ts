import type { RateLimit } from "../../../registry/rate-limit.ts";
import type { Connection } from "./connection.ts";
import { readPulls, tellPulls } from "./scripts.ts";

/** Others are told no more often: a busy worker hears hundreds a second. */
const tellEveryMs = 200;
const longestMs = 24 * 3600_000;

/** What a host told any worker of the pulls left. */
export class SharedPulls {
  readonly #connection: Connection;
  readonly #key: string;
  readonly #channel: string;
  readonly #worker: string;
  #known: RateLimit | undefined;
  #toTell: RateLimit | undefined;
  #telling = false;

  constructor(connection: Connection, subject: string, worker: string) {
    this.#connection = connection;
    this.#key = `${connection.prefix}pulls:{${subject}}`;
    this.#channel = this.#key;
    this.#worker = worker;
    connection.listen(this.#channel, (text) => this.#hear(text));
    void this.#readFirst().catch(() => {}); // closed
  }

  known(): RateLimit | undefined {
    return this.#known;
  }

  heard(rateLimit: RateLimit): void {
    this.#known = rateLimit;
    this.#toTell = rateLimit;
    if (!this.#telling) void this.#tell().catch(() => {}); // closed
  }

  async #tell(): Promise<void> {
    const { clock, closed } = this.#connection;
    this.#telling = true;
    try {
      for (let told = this.#take(); told; told = this.#take()) {
        const text = JSON.stringify({ worker: this.#worker, rateLimit: told });
        const keepMs = Math.min(longestMs, (told.windowSeconds ?? 3600) * 1000);
        this.#connection.post(tellPulls, [this.#key], [text, Math.max(1, keepMs), this.#channel]);
        await clock.sleep(tellEveryMs, closed);
      }
    } finally {
      this.#telling = false;
    }
  }

  #take(): RateLimit | undefined {
    const told = this.#toTell;
    this.#toTell = undefined;
    return told;
  }

  async #readFirst(): Promise<void> {
    const text = await this.#connection.run(readPulls, [this.#key], []);
    if (typeof text === "string" && !this.#known) this.#hear(text);
  }

  #hear(text: string): void {
    const { worker, rateLimit } = JSON.parse(text) as { worker: string; rateLimit: RateLimit };
    if (worker !== this.#worker) this.#known = rateLimit;
  }
}
