import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { SyncEvent, SyncItem } from "../../sync/events.ts";
import { summaryLine } from "../../sync/report-lines.ts";
import type { SyncEnd, SyncView } from "./view.ts";

/** A blob on its way is told of at most this often. */
const movingEveryMs = 500;

/** Events as they are, one JSON object a line, each with the time it was told. */
export class JsonView implements SyncView {
  readonly #write: (line: string) => void;
  /** By image, then blob. */
  readonly #told = new Map<number, Map<string, number>>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  note(event: SyncEvent): void {
    if (event.type === "image-event" && !this.#isDue(event)) return;
    if (event.type === "image-ended") this.#told.delete(event.item.number);
    this.#line(event);
  }

  async close(end: SyncEnd | undefined): Promise<void> {
    if (end)
      this.#write(JSON.stringify({ time: now(), ...summaryLine(end.summary), ...end.traffic }));
  }

  #isDue({ item, event }: Extract<SyncEvent, { type: "image-event" }>): boolean {
    if (event.type !== "blob-moving") return true;
    const told = this.#told.get(item.number) ?? new Map<string, number>();
    this.#told.set(item.number, told);
    const key = `${event.instance} ${event.blob}`;
    const now = performance.now();
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < movingEveryMs) return false;
    told.set(key, now);
    return true;
  }

  #line(event: SyncEvent): void {
    this.#write(JSON.stringify({ time: now(), ...reportRecord(event) }));
  }
}

function now(): string {
  return new Date().toISOString();
}

/** An event as it is written down: images by their names. */
function reportRecord(event: SyncEvent): object {
  const named = { ...event } as Record<string, unknown>;
  if ("item" in event) Object.assign(named, { item: itemRecord(event.item) });
  if ("reference" in event) Object.assign(named, { reference: nameOf(event.reference) });
  return named;
}

function itemRecord({ number, rule, from, to }: SyncItem): object {
  return { number, rule, from: nameOf(from), to: nameOf(to) };
}

/** Not as typed: it has to mean the same elsewhere. */
function nameOf({ transport, text }: ImageReference): string {
  return formatImageReference({ transport, text } as ImageReference);
}
