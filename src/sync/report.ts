import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { SyncEvent, SyncSummary } from "./events.ts";
import { reportLine } from "./report-lines.ts";

/** How a report is begun. */
export interface ReportOptions {
  /** "new" empties the file. "continue" goes on behind what former runs told, be it that they were killed. */
  readonly mode: "new" | "continue";
  readonly dryRun: boolean;
  readonly now: () => number;
}

/**
 * What a run did, as JSON lines in a file: see report-lines.ts. Every line is one write, made when what it tells has
 * happened: a run that is killed leaves no line that is not true, and none for what it had not finished.
 */
export class SyncReport implements Disposable {
  readonly #file: number;
  readonly #now: () => number;
  #failure: { readonly error: unknown } | undefined;

  /** @throws what the system says where the file cannot be written */
  constructor(path: string, { mode, dryRun, now }: ReportOptions) {
    this.#now = now;
    this.#file = openSync(path, mode === "new" ? "w+" : "a+", 0o644);
    if (mode === "continue") cutToWholeLines(this.#file);
    this.#write({ type: "run", dryRun });
  }

  /** Neither throws nor waits for more than a write. */
  note(event: SyncEvent): void {
    const line = reportLine(event);
    if (line) this.#write(line);
  }

  /**
   * Tells that the run came to its end.
   *
   * @throws what the system said where not all of the report could be written
   */
  end(summary: SyncSummary, more: Readonly<Record<string, unknown>> = {}): void {
    this.#write({ type: "summary", ...summary, ...more });
    if (this.#failure) throw this.#failure.error;
  }

  #write(line: Readonly<Record<string, unknown>>): void {
    if (this.#failure) return; // what follows a line that is lost would look like all there is
    const { type, ...rest } = line;
    const time = new Date(this.#now()).toISOString();
    const bytes = Buffer.from(`${JSON.stringify({ type, time, ...rest })}\n`);
    try {
      const written = writeSync(this.#file, bytes);
      if (written < bytes.length) throw new Error("no space left on device");
    } catch (error) {
      this.#failure = { error };
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Cuts off a last line that has no end: whoever wrote it was killed, or had no room. */
function cutToWholeLines(file: number): void {
  const block = Buffer.alloc(64 * 1024);
  const { size } = fstatSync(file);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const count = readSync(file, block, 0, end - start, start);
    const newline = block.subarray(0, count).lastIndexOf(0x0a);
    if (newline >= 0) {
      ftruncateSync(file, start + newline + 1);
      return;
    }
    end = start;
  }
  ftruncateSync(file, 0);
}
