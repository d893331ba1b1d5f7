import type { CopyEvent } from "../../copy/events.ts";
import type { JobProgress } from "../../jobs/job.ts";
import type { JobEvent, JobLedger } from "../../jobs/ledger.ts";

/** What is told of a job while it is done: to its ledger, a few times a second at most. */
export interface JobStory extends AsyncDisposable {
  /** Neither throws nor waits. */
  tell(event: JobEvent): void;
  /** What a copy of one image tells. Neither throws nor waits. */
  tellCopy(image: string, event: CopyEvent): void;
  /** Adds to the numbers of the job's progress. */
  count(add: { readonly found?: number; readonly ended?: number; readonly failed?: number }): void;
}

/** A story's surroundings. */
export interface StoryParts {
  readonly ledger: Pick<JobLedger, "note" | "progress">;
  readonly id: string;
  /** Between two writings. */
  readonly everyMs?: number;
}

/** Of blobs under way so many are written down at a time: the page shows no more. */
const blobsAtOnce = 16;
/** Events that wait to be written; more than that the ledger is too slow for, and they are dropped. */
const mostWaiting = 2000;

/** Begins a story; disposing of it writes down what is left. A ledger that cannot be reached loses events, never the job. */
export function beginStory({ ledger, id, everyMs = 400 }: StoryParts): JobStory {
  return new BufferedStory(ledger, id, everyMs);
}

class BufferedStory implements JobStory {
  readonly #ledger: StoryParts["ledger"];
  readonly #id: string;
  readonly #timer: NodeJS.Timeout;
  readonly #blobs = new Map<string, JobEvent>();
  readonly #moved = new Map<string, number>();
  #events: JobEvent[] = [];
  #images = { found: 0, ended: 0, failed: 0 };
  #bytes = { moved: 0, spared: 0 };
  #told = "";
  #writing: Promise<void> | undefined;

  constructor(ledger: StoryParts["ledger"], id: string, everyMs: number) {
    this.#ledger = ledger;
    this.#id = id;
    this.#timer = setInterval(() => this.#begin(), everyMs);
    this.#timer.unref();
  }

  tell(event: JobEvent): void {
    if (this.#events.length < mostWaiting) this.#events.push(event);
  }

  tellCopy(image: string, event: CopyEvent): void {
    switch (event.type) {
      case "blob-moving": {
        const { blob: digest, size, sent } = event;
        this.#countMoved(`${image} ${digest}`, sent);
        const key = `${image} ${digest}`;
        if (this.#blobs.has(key) || this.#blobs.size < blobsAtOnce)
          this.#blobs.set(key, { type: "blob", image, digest, sent, size });
        break;
      }
      case "blob-copied":
        this.#countMoved(`${image} ${event.blob}`, event.size);
        this.#moved.delete(`${image} ${event.blob}`);
        break;
      case "blob-adopted":
        this.#bytes.spared += Math.max(0, event.size);
        break;
      default:
        break;
    }
  }

  count({ found = 0, ended = 0, failed = 0 }: Parameters<JobStory["count"]>[0]): void {
    this.#images.found += found;
    this.#images.ended += ended;
    this.#images.failed += failed;
  }

  /** What was sent may fall back after a resume: bytes that move twice are moved twice. */
  #countMoved(key: string, sent: number): void {
    const before = this.#moved.get(key) ?? 0;
    if (sent > before) this.#bytes.moved += sent - before;
    this.#moved.set(key, sent);
  }

  #begin(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const events = [...this.#events, ...this.#blobs.values()];
    this.#events = [];
    this.#blobs.clear();
    try {
      for (const event of events) await this.#ledger.note(this.#id, event);
      const progress: JobProgress = { images: { ...this.#images }, bytes: { ...this.#bytes } };
      const text = JSON.stringify(progress);
      if (text !== this.#told) await this.#ledger.progress(this.#id, progress);
      this.#told = text;
    } catch {
      // What comes later may get through.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#write();
  }
}
