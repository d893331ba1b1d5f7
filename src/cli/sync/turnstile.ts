/** Lets so many through at once, in their order, until it is closed. */
export class Turnstile {
  readonly #slots: number;
  #underWay = 0;
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Waits for a turn. @returns false where it is closed: nobody is let through any more */
  async enter(): Promise<boolean> {
    while (this.#underWay >= this.#slots && !this.#isClosed) await this.#changed.promise;
    if (this.#isClosed) return false;
    this.#underWay += 1;
    return true;
  }

  leave(): void {
    this.#underWay -= 1;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}
