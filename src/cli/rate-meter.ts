/** How far back the rate looks. */
const WINDOW_MS = 5000;
const LEAST_MS = 300;

/** How fast a count grows, over the last seconds. */
export class RateMeter {
  readonly #samples: { readonly count: number; readonly at: number }[] = [];

  /** @param at milliseconds on any clock */
  add(count: number, at: number): void {
    const last = this.#samples.at(-1);
    // After a resume the count starts further back: what was measured before means nothing then.
    if (last && count < last.count) this.#samples.length = 0;
    this.#samples.push({ count, at });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** Per second; undefined until there is enough to tell. */
  rate(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < LEAST_MS) return undefined;
    return ((last.count - first.count) * 1000) / (last.at - first.at);
  }

  /** How long `count` more will take; undefined where that cannot be told. */
  secondsFor(count: number): number | undefined {
    const rate = this.rate();
    return rate === undefined || rate <= 0 ? undefined : Math.max(0, count) / rate;
  }
}
