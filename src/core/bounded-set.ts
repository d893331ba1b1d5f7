/** Remembers the last so many values that it was given: for what is good to know, and no harm to forget. */
export class BoundedSet<T> {
  readonly #values = new Set<T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  has(value: T): boolean {
    return this.#values.has(value);
  }

  /** Makes it the last, and forgets the first where there are too many. */
  add(value: T): this {
    this.#values.delete(value);
    this.#values.add(value);
    if (this.#values.size > this.#most) {
      const [first] = this.#values;
      this.#values.delete(first as T);
    }
    return this;
  }

  delete(value: T): boolean {
    return this.#values.delete(value);
  }

  clear(): void {
    this.#values.clear();
  }
}
