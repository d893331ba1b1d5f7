import type { SyncEvent, SyncSummary } from "./events.ts";

type Counts = { -readonly [K in keyof SyncSummary]: number };

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
    failedRules: 0,
    bytesMoved: 0,
    bytesSpared: 0,
    retries: 0,
    ms: 0,
  };

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
        counts.retries += event.figures.retries;
        break;
      case "companion":
        counts.companions++;
        counts.bytesMoved += event.bytes;
        break;
      case "pruned":
        counts.pruned++;
        break;
      case "listing-retrying":
        counts.retries++;
        break;
      case "listing-failed":
      case "prune-refused":
        counts.failedRules++;
        break;
    }
  }

  /** @param ms how long the run took */
  summary(ms: number): SyncSummary {
    return { ...this.#counts, ms: Math.round(ms) };
  }
}
