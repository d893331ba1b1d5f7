import type { CopyEvent } from "../copy/events.ts";
import type { Traffic } from "./parts.ts";
import type { ProgressView } from "./progress.ts";
import type { CopyTotals } from "./summary.ts";

/** A blob on its way is told of at most this often. */
const MOVING_EVERY_MS = 500;

/** Events as they are, one JSON object a line, each with the time it was told. */
export class JsonProgress implements ProgressView {
  readonly #write: (line: string) => void;
  readonly #told = new Map<string, number>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  show(event: CopyEvent): void {
    if (event.type === "blob-moving" && !this.#isDue(`${event.instance} ${event.blob}`)) return;
    this.#line(event);
  }

  close(): void {}

  /** The last line of a copy that succeeded. */
  sumUp(totals: CopyTotals, traffic: Traffic, seconds: number): void {
    const { moved, mounted, held } = totals;
    this.#line({
      type: "summary",
      moved,
      mounted,
      held,
      ...traffic,
      seconds: Number(seconds.toFixed(3)),
    });
  }

  #isDue(blob: string): boolean {
    const now = performance.now();
    if (now - (this.#told.get(blob) ?? Number.NEGATIVE_INFINITY) < MOVING_EVERY_MS) return false;
    this.#told.set(blob, now);
    return true;
  }

  #line(event: object): void {
    this.#write(JSON.stringify({ time: new Date().toISOString(), ...event }));
  }
}
