/** When a work may begin that others stand in line for. */
export interface Turn {
  /** Settles when the one before has passed; never rejects. */
  readonly come: Promise<void>;
  /** Lets the next come; more than once does no harm. */
  readonly pass: () => void;
}

/** A line: whoever was given a turn later waits for whoever was given one before. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  next(): Turn {
    const { promise, resolve } = Promise.withResolvers<void>();
    const come = this.#last;
    this.#last = promise;
    return { come, pass: () => resolve(come) };
  }
}
