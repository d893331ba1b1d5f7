import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { SyncEvent, SyncSummary } from "./events.ts";
import { endsUnfinished, reportLine, summaryLine } from "./report-lines.ts";

const maxLineBytes = 1024 * 1024;

/** How a report is begun. */
export interface ReportOptions {
  /**
   * "new" empties the file. "continue" goes on behind what former runs told, be it that they were killed. "resume" does so
   * only where the last of them did not come to its end.
   */
  readonly mode: "new" | "continue" | "resume";
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
    const isBehind = mode !== "new" && goOn(this.#file, mode);
    this.#write({ type: "run", dryRun, ...(isBehind && { continues: true }) });
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
    this.#write({ ...summaryLine(summary), ...more });
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

/** Leaves of the file what a run can go on behind. @returns whether there is anything */
function goOn(file: number, mode: "continue" | "resume"): boolean {
  const end = endOfLines(file, fstatSync(file).size);
  const isBehind = mode === "continue" ? end > 0 : endsUnfinished(lastLine(file, end));
  ftruncateSync(file, isBehind ? end : 0);
  return isBehind;
}

/** Before `size`, behind the last newline: a last line without was being written by a run that was killed, or had no room. */
function endOfLines(file: number, size: number): number {
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const count = readSync(file, block, 0, end - start, start);
    const newline = block.subarray(0, count).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** The line that ends at `end`; nothing where it is longer than any of ours. */
function lastLine(file: number, end: number): string {
  const start = endOfLines(file, Math.max(0, end - 1));
  if (end - start > maxLineBytes) return "";
  const bytes = Buffer.alloc(end - start);
  readSync(file, bytes, 0, bytes.length, start);
  return bytes.toString();
}
