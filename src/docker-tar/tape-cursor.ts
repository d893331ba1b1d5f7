import { readTape, type TapeEntry } from "../stream/tar/archive-tape.ts";

/** Where a tape stands: entries are asked for one after the other, and one may be put back. */
export class TapeCursor implements AsyncDisposable {
  readonly #entries: AsyncGenerator<TapeEntry, void, void>;
  #back: TapeEntry | undefined;
  #offset = -1;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#entries = readTape(bytes, { untilEnd: true });
  }

  /** Where the entry given last begins; −1 before the first. */
  get offset(): number {
    return this.#offset;
  }

  /** The next entry; undefined at the end. What was not read of the one before is passed over. */
  async next(): Promise<TapeEntry | undefined> {
    const back = this.#back;
    this.#back = undefined;
    const entry = back ?? ((await this.#entries.next()).value || undefined);
    if (entry) this.#offset = entry.offset;
    return entry;
  }

  /** Makes `entry`, the one given last, the next one again. */
  putBack(entry: TapeEntry): void {
    this.#back = entry;
    this.#offset = entry.offset - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entries.return();
  }
}
