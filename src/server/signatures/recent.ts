/** How much a {@link Recent} may hold. */
export interface RecentLimits<T> {
  readonly entries: number;
  readonly bytes: number;
  sizeOf(value: T): number;
}

/** A map that forgets what was not asked for the longest. */
export class Recent<T> {
  readonly #limits: RecentLimits<T>;
  readonly #held = new Map<string, T>();
  #bytes = 0;

  constructor(limits: RecentLimits<T>) {
    this.#limits = limits;
  }

  get(key: string): T | undefined {
    const value = this.#held.get(key);
    if (value === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.delete(key);
    this.#held.set(key, value);
    this.#bytes += this.#limits.sizeOf(value);
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#held.get(key);
    if (value === undefined) return;
    this.#held.delete(key);
    this.#bytes -= this.#limits.sizeOf(value);
  }
}
