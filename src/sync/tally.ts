import type { SyncEvent, SyncSummary } from "./events.ts";

type Counts = { -readonly [K in keyof Omit<SyncSummary, "interrupted">]: number };

/** Counts what a run tells; nothing is kept of any image. */
export class Tally {
  readonly #counts: Counts = {
    images: 0,
    copied: 0,
    unchanged: 0,
    left: 0,
    failed: 0,
    stopped: 0,
    companions: 0,
    pruned: 0,
    prunable: 0,
    failedRules: 0,
    bytesMoved: 0,
    bytesSpared: 0,
    imageRetries: 0,
    ms: 0,
  };
  readonly #isDryRun: boolean;

  constructor(isDryRun: boolean) {
    this.#isDryRun = isDryRun;
  }

  note(event: SyncEvent): void {
    const counts = this.#counts;
    switch (event.type) {
      case "image-started":
        counts.images++;
        break;
      case "image-ended":
        counts[event.outcome.type === "would-copy" ? "copied" : event.outcome.type]++;
        counts.bytesMoved += event.figures.bytesMoved;
        counts.bytesSpared += event.figures.bytesSpared;
        counts.imageRetries += event.figures.retries;
        break;
      case "companion":
        counts.companions++;
        counts.bytesMoved += event.bytes;
        break;
      case "pruned":
        counts[event.dryRun === this.#isDryRun ? "pruned" : "prunable"]++;
        break;
      case "listing-retrying":
        counts.imageRetries++;
        break;
      case "listing-failed":
      case "prune-refused":
      case "prune-failed":
        counts.failedRules++;
        break;
    }
  }

  /** @param ms how long the run took */
  summary(ms: number, isInterrupted: boolean): SyncSummary {
    const numbers = { ...this.#counts, ms: Math.round(ms) };
    return isInterrupted ? { ...numbers, interrupted: true } : numbers;
  }
}
