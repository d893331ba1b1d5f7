import type { CopyEvent } from "../../copy/events.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { JobProgress } from "../../jobs/job.ts";
import type { JobEvent, JobLedger } from "../../jobs/ledger.ts";
import type { SyncEvent, SyncFigures, SyncItem } from "../../sync/events.ts";

/** What is told of a job while it is done: to its ledger, a few times a second at most. */
export interface JobStory extends AsyncDisposable {
  /** Neither throws nor waits. */
  tell(event: JobEvent): void;
  /** What a copy of one image tells. Neither throws nor waits. */
  tellCopy(image: string, event: CopyEvent): void;
  /** What a mirror's run tells. Neither throws nor waits. */
  tellSync(event: SyncEvent): void;
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

/**
 * Begins a story; disposing of it writes down what is left. What a ledger does not take is told it again; where it cannot be
 * reached to the end, events are lost, never the job.
 */
export function beginStory({ ledger, id, everyMs = 400 }: StoryParts): JobStory {
  return new BufferedStory(ledger, id, everyMs);
}

class BufferedStory implements JobStory {
  readonly #ledger: StoryParts["ledger"];
  readonly #id: string;
  readonly #timer: NodeJS.Timeout;
  readonly #blobs = new Map<string, JobEvent>();
  /** Of images under way, what of each blob was sent. */
  readonly #moved = new Map<string, Map<string, number>>();
  /** Of images under way, what is in the numbers already. */
  readonly #counted = new Map<string, { moved: number; spared: number }>();
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
    this.#tellCopy(image, image, event);
  }

  /** @param item what is counted: one image may go to several places */
  #tellCopy(image: string, item: string, event: CopyEvent): void {
    switch (event.type) {
      case "blob-moving": {
        const { blob: digest, size, sent } = event;
        this.#countMoved(item, digest, sent);
        const key = `${image} ${digest}`;
        if (this.#blobs.has(key) || this.#blobs.size < blobsAtOnce)
          this.#blobs.set(key, { type: "blob", image, digest, sent, size });
        break;
      }
      case "blob-copied":
        this.#countMoved(item, event.blob, event.size);
        this.#moved.get(item)?.delete(event.blob);
        break;
      case "blob-adopted":
        this.#count(item, { spared: Math.max(0, event.size) });
        break;
      default:
        break;
    }
  }

  tellSync(event: SyncEvent): void {
    switch (event.type) {
      case "image-started": {
        const { from, to } = namesOf(event.item);
        this.count({ found: 1 });
        this.tell({ type: "image", from, to, state: "started" });
        break;
      }
      case "image-event": {
        const { from, to } = namesOf(event.item);
        this.#tellCopy(from, `${from} ${to}`, event.event);
        break;
      }
      case "image-ended":
        this.#endImage(event);
        break;
      case "companion":
        this.#bytes.moved += event.bytes;
        break;
      default: {
        const message = messageOf(event);
        if (message) this.tell({ type: "message", ...message });
      }
    }
  }

  #endImage({ item, outcome, figures }: SyncEvent & { readonly type: "image-ended" }): void {
    const { from, to } = namesOf(item);
    const counted = `${from} ${to}`;
    this.#moved.delete(counted);
    const bytes = figures.bytesMoved;
    this.#countRest(counted, figures);
    this.count({ ended: 1, failed: outcome.type === "failed" ? 1 : 0 });
    if (outcome.type === "stopped") return;
    if (outcome.type === "failed") {
      const { code, message, refused } = outcome;
      const state = refused ? "refused" : "failed";
      this.tell({ type: "image", from, to, state, code, message, bytes });
      return;
    }
    const state = outcome.type;
    const digest = "digest" in outcome ? outcome.digest : undefined;
    this.tell({ type: "image", from, to, state, bytes, ...(digest !== undefined && { digest }) });
    if (outcome.type !== "copied" || outcome.backup === undefined) return;
    const text = `What ${to} stood for before is kept as ${outcome.backup}`;
    this.tell({ type: "message", level: "info", text });
  }

  count({ found = 0, ended = 0, failed = 0 }: Parameters<JobStory["count"]>[0]): void {
    this.#images.found += found;
    this.#images.ended += ended;
    this.#images.failed += failed;
  }

  /** What was sent may fall back after a resume: bytes that move twice are moved twice. */
  #countMoved(image: string, digest: string, sent: number): void {
    const moved = this.#moved.get(image) ?? new Map<string, number>();
    this.#moved.set(image, moved);
    const before = moved.get(digest) ?? 0;
    if (sent > before) this.#count(image, { moved: sent - before });
    moved.set(digest, sent);
  }

  #count(image: string, { moved = 0, spared = 0 }: { moved?: number; spared?: number }): void {
    const counted = this.#counted.get(image) ?? { moved: 0, spared: 0 };
    this.#counted.set(image, { moved: counted.moved + moved, spared: counted.spared + spared });
    this.#bytes.moved += moved;
    this.#bytes.spared += spared;
  }

  /** Of what nothing was told while it moved: configs, and all that another worker moved. */
  #countRest(image: string, figures: SyncFigures): void {
    const { moved = 0, spared = 0 } = this.#counted.get(image) ?? {};
    this.#counted.delete(image);
    this.#bytes.moved += Math.max(0, figures.bytesMoved - moved);
    this.#bytes.spared += Math.max(0, figures.bytesSpared - spared);
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
    let written = 0;
    try {
      for (const event of events) {
        await this.#ledger.note(this.#id, event);
        written++;
      }
      const progress: JobProgress = { images: { ...this.#images }, bytes: { ...this.#bytes } };
      const text = JSON.stringify(progress);
      if (text !== this.#told) await this.#ledger.progress(this.#id, progress);
      this.#told = text;
    } catch {
      // It may get through later; by then blobs have moved on.
      const left = events.slice(written).filter(({ type }) => type !== "blob");
      this.#events = [...left, ...this.#events].slice(0, mostWaiting);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#write();
  }
}

function namesOf({ from, to }: SyncItem): { readonly from: string; readonly to: string } {
  return { from: formatImageReference(from), to: formatImageReference(to) };
}

/** What of a run is no image's; undefined: nothing that has to be told. */
function messageOf(
  event: SyncEvent,
): { readonly level: "info" | "warning" | "error"; readonly text: string } | undefined {
  switch (event.type) {
    case "listed":
      return { level: "info", text: `${event.what}: ${event.taken} of ${event.found} taken` };
    case "nothing-taken":
      return { level: "warning", text: `${event.rule} gives nothing to mirror: ${event.why}` };
    case "listing-retrying": {
      const { what, attempt, of, message } = event;
      return { level: "warning", text: `${what}: listed again (${attempt}/${of}): ${message}` };
    }
    case "listing-failed":
      return { level: "error", text: `${event.what}: ${event.message}` };
    case "pruned": {
      const did = event.dryRun ? "would remove" : "removed";
      return { level: "info", text: `${did} ${formatImageReference(event.reference)}` };
    }
    case "companion-left": {
      const of = formatImageReference(event.item.from);
      return { level: "warning", text: `left ${event.what} of ${of}: ${event.why}` };
    }
    case "prune-left": {
      const text = `kept ${formatImageReference(event.reference)}: ${event.why}`;
      return { level: "warning", text };
    }
    case "prune-failed":
      return { level: "error", text: `${event.rule}: not pruned: ${event.message}` };
    case "prune-refused": {
      const { repository, would, of } = event;
      const text = `${repository}: ${would} of ${of} tags would be removed, which is too many`;
      return { level: "error", text };
    }
    default:
      return undefined;
  }
}
