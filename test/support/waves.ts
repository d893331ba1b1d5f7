/**
 * Round trips without a clock: requests come in waves, and none of a wave is answered before all of it are there. What gets
 * to its end has thus made no more round trips than there are waves.
 */
export class Waves {
  /** What came that stands in no wave, or came again. */
  readonly others: string[] = [];
  readonly #waves: readonly Wave[];

  constructor(waves: readonly (readonly string[])[]) {
    this.#waves = waves.map((names) => ({
      awaited: new Set(names),
      complete: Promise.withResolvers<void>(),
    }));
  }

  /** Resolves when the request may be answered. */
  async arrive(name: string): Promise<void> {
    const wave = this.#waves.find(({ awaited }) => awaited.has(name));
    if (!wave) return void this.others.push(name);
    wave.awaited.delete(name);
    if (wave.awaited.size === 0) wave.complete.resolve();
    await wave.complete.promise;
  }

  /** What did not come. */
  get missing(): readonly string[] {
    return this.#waves.flatMap(({ awaited }) => [...awaited]);
  }
}

interface Wave {
  readonly awaited: Set<string>;
  readonly complete: PromiseWithResolvers<void>;
}
