/** The ID of the uppermost layer up to a position; undefined where there is none yet. */
export type LayerId = string | undefined;

/** The positions of an image's layers, each settled after those below it. */
export class PositionQueue implements AsyncDisposable {
  readonly #settled: readonly PromiseWithResolvers<LayerId>[];
  readonly #begun = new Set<number>();
  readonly #work: Promise<void>[] = [];
  readonly #closed = Promise.withResolvers<never>();
  #failure: { readonly error: unknown } | undefined;

  constructor(length: number) {
    this.#settled = Array.from({ length }, () => Promise.withResolvers<LayerId>());
    // Whoever waits is told; nobody needs to.
    for (const { promise } of [this.#closed, ...this.#settled]) promise.catch(() => {});
  }

  /** Settles the position as `work` does. */
  begin(position: number, work: Promise<LayerId>): void {
    this.#begun.add(position);
    const { resolve, reject } = this.#settled[position] ?? neverAsked(position);
    this.#work.push(
      work.then(resolve, (error: unknown) => {
        this.#failure ??= { error };
        reject(error);
      }),
    );
  }

  /** Settles when the position is a layer; rejects where it will not become one. */
  async at(position: number): Promise<LayerId> {
    const { promise } = this.#settled[position] ?? neverAsked(position);
    return await Promise.race([promise, this.#closed.promise]);
  }

  /** The same of the position below; at the bottom there is nothing. */
  async below(position: number): Promise<LayerId> {
    return position === 0 ? undefined : await this.at(position - 1);
  }

  /** A layer that failed takes all above it along: what comes for those is not worth beginning. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all. @returns the uppermost */
  async finish(): Promise<LayerId> {
    let top: LayerId;
    for (const [position, { promise }] of this.#settled.entries()) {
      if (!this.#begun.has(position)) throw new TypeError(`Layer ${position} was never written`);
      top = await promise;
    }
    return top;
  }

  /** Lets those end that can, and calls off the others. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const [position, { promise }] of this.#settled.entries()) {
      if (!this.#begun.has(position)) break;
      const ended = promise.then(
        () => true,
        () => false,
      );
      if (!(await ended)) break;
    }
    this.#closed.reject(new Error("The copy was given up"));
    await Promise.all(this.#work);
  }
}

function neverAsked(position: number): never {
  throw new RangeError(`No layer has position ${position}`);
}
