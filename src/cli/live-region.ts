import type { Terminal } from "./terminal.ts";

/**
 * The last lines of a terminal, painted anew in place with a single write. What is done moves up and stays. Lines may
 * hold colours. A terminal that was made narrower in between has wrapped what was painted: that is counted.
 */
export class LiveRegion {
  readonly #write: (text: string) => void;
  readonly #terminal: Pick<Terminal, "columns">;
  #painted: readonly number[] = [];

  constructor(write: (text: string) => void, terminal: Pick<Terminal, "columns">) {
    this.#write = write;
    this.#terminal = terminal;
  }

  /** How many characters of a live line are seen. */
  get width(): number {
    return Math.max(20, this.#terminal.columns() - 1);
  }

  /** @param live longer ones are cut */
  paint(finished: readonly string[], live: readonly string[]): void {
    const columns = this.#terminal.columns();
    const rows = this.#painted.reduce((sum, length) => sum + rowsOf(length, columns), 0);
    const shown = live.map((line) => cut(line, this.width));
    const up = rows > 0 ? `\x1b[${rows}A\r` : "";
    const body = [...finished, ...shown].map((line) => `${line}\x1b[K\n`).join("");
    if (body !== "" || up !== "") this.#write(`${up}${body}\x1b[J`);
    this.#painted = shown.map(lengthOf);
  }
}

function rowsOf(length: number, columns: number): number {
  return Math.max(1, Math.ceil(length / Math.max(1, columns)));
}

const colour = /\x1b\[[\d;]*m/g;

/** Without colours. */
export function lengthOf(line: string): number {
  return line.replaceAll(colour, "").length;
}

function cut(line: string, width: number): string {
  if (lengthOf(line) <= width) return line;
  return line.replaceAll(colour, "").slice(0, width);
}
