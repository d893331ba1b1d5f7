import { LocalTurns } from "../../../sync/local-turns.ts";
import type { Connection } from "./connection.ts";
import { buy } from "./scripts.ts";

/** As of `registry/rate.ts`, in microseconds. */
const burst = 100_000;
/** Of a second's worth, what a worker buys at once where it is asked for less: Redis need not see each small thing. */
const share = 1 / 20;

/** So much a second for all workers together, by the server's clock; in each worker in the order of asking. */
export class SharedRate {
  readonly #connection: Connection;
  readonly #key: string;
  readonly #perSecond: number;
  readonly #line: LocalTurns;
  /** Bought and not used. */
  #left = 0;

  constructor(connection: Connection, key: string, perSecond: number) {
    this.#connection = connection;
    this.#key = `${connection.prefix}rate:{${key}}`;
    this.#perSecond = perSecond;
    this.#line = new LocalTurns(() => connection.clock.now());
  }

  /** Waits until so much may be used. */
  async spend(amount: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#connection.closed]);
    const end = await this.#line.take("", either);
    try {
      if (this.#left < amount) {
        const more = Math.max(amount - this.#left, this.#perSecond * share);
        await this.#buy(more, either);
        this.#left += more;
      }
      this.#left -= amount;
    } finally {
      end();
    }
  }

  async #buy(amount: number, signal: AbortSignal): Promise<void> {
    const price = Math.ceil((amount / this.#perSecond) * 1e6);
    try {
      const wait = Number(await this.#connection.run(buy, [this.#key], [price, burst], signal));
      if (wait > 0) await this.#connection.clock.sleep(wait / 1000, signal);
    } catch (error) {
      // what was asked for may be bought all the same, but not after this
      this.#connection.post(buy, [this.#key], [-price, burst]);
      throw error;
    }
  }
}
