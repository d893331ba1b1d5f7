interface Block {
  readonly said: (() => void)[];
  isDone: boolean;
}

/** Lets several tell of what they do side by side, one after the other: who is not next is kept waiting. */
export class InTurns {
  readonly #blocks = new Map<number, Block>();
  #turn = 0;

  /** @param number whose turn it has to be, from 0 */
  say(number: number, tell: () => void): void {
    this.#block(number).said.push(tell);
    this.#flush();
  }

  /** That one has no more to say. */
  end(number: number): void {
    this.#block(number).isDone = true;
    this.#flush();
  }

  /** Lets out everything, in order, whoever is not done yet. */
  flushAll(): void {
    for (const [, { said }] of [...this.#blocks].sort(([a], [b]) => a - b)) letOut(said);
  }

  #block(number: number): Block {
    const found = this.#blocks.get(number);
    if (found) return found;
    const block = { said: [], isDone: false };
    this.#blocks.set(number, block);
    return block;
  }

  #flush(): void {
    for (;;) {
      const block = this.#blocks.get(this.#turn);
      if (!block) return;
      letOut(block.said);
      if (!block.isDone) return;
      this.#blocks.delete(this.#turn++);
    }
  }
}

function letOut(said: (() => void)[]): void {
  for (const tell of said.splice(0)) tell();
}
