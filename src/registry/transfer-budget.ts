const worthyBytes = 8 * 1024 * 1024;

/** How often one blob's transfer may fail: six times, counted anew after each good stretch of progress. */
export class TransferBudget {
  readonly #stretch: number;
  #failures = 0;
  #mark = 0;

  constructor(size: number) {
    this.#stretch = Math.max(1, Math.min(worthyBytes, Math.ceil(size * 0.05)));
  }

  /** Counts a failure that left the transfer at `offset`; false when it was the last that may be. */
  spend(offset: number): boolean {
    if (offset - this.#mark >= this.#stretch) {
      this.#mark = offset;
      this.#failures = 0;
    }
    this.#failures++;
    return this.#failures < 6;
  }

  /** Failures since the last progress. */
  get failures(): number {
    return this.#failures;
  }
}
