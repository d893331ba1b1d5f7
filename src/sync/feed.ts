/** Something to do, and whom it burdens: who is burdened least is served next. */
export interface Fed<T> {
  readonly value: T;
  /** Hosts, for instance; then, among what burdens those the same, repositories. */
  readonly burdens: readonly [string, string];
}

/** A lazy list of things to do, known by whom it burdens first of all. */
export interface FeedSource<T> {
  readonly host: string;
  open(): AsyncIterable<Fed<T>>;
}

/** What a {@link Feed} is bounded by. */
export interface FeedLimits {
  /** Sources read from at once. */
  readonly sources: number;
  /** Things read ahead of each: among them it is chosen. */
  readonly ahead: number;
}

interface Waiting<T> {
  readonly fed: Fed<T>;
  readonly number: number;
}

interface Choice<T> {
  readonly line: Waiting<T>[];
  readonly at: number;
  readonly waiting: Waiting<T>;
}

/**
 * Hands out what several sources give, fairly: a host that is slow, or has very much to do, leaves the others their share.
 * Reads few sources at once and little ahead, so that what is held is bounded whatever there is to do.
 */
export class Feed<T> {
  readonly #limits: FeedLimits;
  readonly #unopened: FeedSource<T>[];
  readonly #lines = new Set<Waiting<T>[]>();
  readonly #busy = new Map<string, number>();
  #arrived = 0;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(sources: readonly FeedSource<T>[], limits: FeedLimits) {
    this.#limits = limits;
    this.#unopened = inTurns(sources).toReversed();
    for (let n = 0; n < limits.sources; n++) this.#openNext();
  }

  /** The next to do, whose burden counts until {@link done}; undefined when there is none left. @throws what a source threw */
  async next(): Promise<Fed<T> | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const next = this.#closed ? undefined : this.#take();
      if (next) return next;
      if (this.#closed || this.#lines.size === 0) return undefined;
      await this.#changed.promise;
    }
  }

  /** What was handed out burdens nobody any more. */
  done({ burdens }: Fed<T>): void {
    for (const burden of burdens) {
      const left = (this.#busy.get(burden) ?? 1) - 1;
      if (left > 0) this.#busy.set(burden, left);
      else this.#busy.delete(burden);
    }
  }

  /** Hands out nothing more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #openNext(): void {
    const source = this.#unopened.pop();
    if (!source || this.#closed) return;
    const line: Waiting<T>[] = [];
    this.#lines.add(line);
    this.#read(source, line)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        if (line.length === 0) this.#end(line);
        this.#wake();
      });
  }

  async #read(source: FeedSource<T>, line: Waiting<T>[]): Promise<void> {
    for await (const fed of source.open()) {
      if (this.#closed) return;
      line.push({ fed, number: this.#arrived++ });
      this.#wake();
      while (line.length >= this.#limits.ahead && !this.#closed) await this.#changed.promise;
    }
    while (line.length > 0 && !this.#closed) await this.#changed.promise;
  }

  #end(line: Waiting<T>[]): void {
    this.#lines.delete(line);
    this.#openNext();
  }

  #take(): Fed<T> | undefined {
    let best: Choice<T> | undefined;
    for (const line of this.#lines) {
      for (let at = 0; at < line.length; at++) {
        const waiting = line[at] as Waiting<T>;
        if (waiting.fed.burdens === best?.waiting.fed.burdens && best.line === line) continue; // came later
        if (!best || this.#isBefore(waiting, best.waiting)) best = { line, at, waiting };
      }
    }
    if (!best) return undefined;
    const { fed } = best.waiting;
    best.line.splice(best.at, 1);
    for (const burden of fed.burdens) {
      this.#busy.set(burden, (this.#busy.get(burden) ?? 0) + 1);
    }
    this.#wake();
    return fed;
  }

  #isBefore(a: Waiting<T>, b: Waiting<T>): boolean {
    if (a.fed.burdens === b.fed.burdens) return a.number < b.number;
    const [host, repository] = a.fed.burdens;
    const [otherHost, otherRepository] = b.fed.burdens;
    const ofHosts = this.#difference(host, otherHost);
    if (ofHosts !== 0) return ofHosts < 0;
    const ofRepositories = this.#difference(repository, otherRepository);
    return ofRepositories === 0 ? a.number < b.number : ofRepositories < 0;
  }

  /** How much busier the one is. */
  #difference(one: string, other: string): number {
    return (this.#busy.get(one) ?? 0) - (this.#busy.get(other) ?? 0);
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}

/** One of each host in turn, each host's own in their order. */
function inTurns<T>(sources: readonly FeedSource<T>[]): readonly FeedSource<T>[] {
  const byHost = [...Map.groupBy(sources, ({ host }) => host).values()];
  const longest = Math.max(0, ...byHost.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    byHost.flatMap((own) => own[turn] ?? []),
  ).flat();
}
