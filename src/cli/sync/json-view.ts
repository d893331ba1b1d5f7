import type { SyncEvent } from "../../sync/events.ts";
import { reportRecord } from "./report-file.ts";
import type { SyncEnd, SyncView } from "./view.ts";

/** A blob on its way is told of at most this often. */
const movingEveryMs = 500;

/** Events as they are, one JSON object a line, each with the time it was told. */
export class JsonView implements SyncView {
  readonly #write: (line: string) => void;
  readonly #told = new Map<string, number>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  note(event: SyncEvent): void {
    if (event.type === "image-event" && !this.#isDue(event)) return;
    if (event.type === "image-ended") this.#told.clear();
    this.#line(event);
  }

  async close(end: SyncEnd | undefined): Promise<void> {
    if (end) this.#line({ type: "summary", ...end.summary, ...end.traffic });
  }

  #isDue({ item, event }: Extract<SyncEvent, { type: "image-event" }>): boolean {
    if (event.type !== "blob-moving") return true;
    const key = `${item.number} ${event.instance} ${event.blob}`;
    const now = performance.now();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < movingEveryMs) return false;
    this.#told.set(key, now);
    return true;
  }

  #line(event: Parameters<typeof reportRecord>[0]): void {
    this.#write(JSON.stringify({ time: new Date().toISOString(), ...reportRecord(event) }));
  }
}
