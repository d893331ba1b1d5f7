import type { SyncEvent } from "../../sync/events.ts";
import { LiveRegion } from "../live-region.ts";
import type { Terminal } from "../terminal.ts";
import { ImageRow } from "./image-row.ts";
import {
  endedSentence,
  failureSentence,
  isWarning,
  passingSentence,
  summarySentence,
} from "./sentences.ts";
import { TotalLine } from "./total-line.ts";
import type { SyncEnd, SyncView } from "./view.ts";

const repaintMs = 100;
/** More images than this are only counted. */
const mostRows = 10;

/** Beside images and failures. */
const stays = new Set<SyncEvent["type"]>(["pruned", "prune-left", "companion-left"]);

/** What {@link TableView} paints with. */
export interface TableOptions {
  readonly write: (text: string) => Promise<void>;
  readonly terminal: Pick<Terminal, "columns" | "rows">;
  readonly isColoured: boolean;
}

/**
 * The images under way, a line each, and one line for the run, repainted in place at most ten times a second. What was
 * copied, and what went wrong, moves up and stays; what was there already is only counted.
 */
export class TableView implements SyncView {
  readonly #options: TableOptions;
  readonly #region: LiveRegion;
  readonly #rows = new Map<number, ImageRow>();
  readonly #total = new TotalLine();
  readonly #finished: string[] = [];
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#region = new LiveRegion((text) => this.#write(text), options.terminal);
  }

  note(event: SyncEvent, hint?: string): void {
    this.#total.note(event);
    this.#finish(event);
    if (hint !== undefined) this.#finished.push(`${this.#painted("hint:", "1")}  ${hint}`);
    if ("item" in event) this.#row(event);
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#repaint(), repaintMs);
  }

  async close(end: SyncEnd | undefined): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (end) this.#sumUp(end);
    this.#region.paint(this.#finished.splice(0), []);
    await this.#last;
  }

  /** Failures again where they have scrolled away. */
  #sumUp({ summary, traffic, isDryRun, failures }: SyncEnd): void {
    const all = summary.failed + summary.failedRules;
    if (summary.images > this.#options.terminal.rows()) {
      for (const failure of failures) this.#finished.push(this.#painted(failure, "31"));
      if (failures.length > 0 && all > failures.length)
        this.#finished.push(`… and ${all - failures.length} more failures`);
    }
    this.#finished.push(summarySentence(summary, traffic, isDryRun));
  }

  #row(event: Extract<SyncEvent, { item: unknown }>): void {
    const { number } = event.item;
    const row = this.#rows.get(number) ?? new ImageRow(event.item);
    if (event.type === "image-ended") this.#rows.delete(number);
    else this.#rows.set(number, row);
    row.note(event);
    this.#total.underWay(number, event.type === "image-ended" ? undefined : row.moved);
  }

  #finish(event: SyncEvent): void {
    const failure = failureSentence(event);
    if (failure !== undefined) this.#finished.push(this.#painted(failure, "31"));
    else if (isWarning(event))
      this.#finished.push(this.#painted(passingSentence(event) ?? "", "33"));
    else if (stays.has(event.type)) this.#finished.push(passingSentence(event) ?? "");
    else if (event.type === "image-ended" && isNews(event))
      this.#finished.push(
        endedSentence(event, this.#rows.get(event.item.number)?.companions) ?? "",
      );
  }

  #painted(text: string, colour: string): string {
    return this.#options.isColoured ? `\x1b[${colour}m${text}\x1b[0m` : text;
  }

  #repaint(): void {
    this.#timer = undefined;
    if (this.#isClosed) return;
    this.#region.paint(this.#finished.splice(0), this.#liveLines());
    if (this.#rows.size > 0) this.#timer = setTimeout(() => this.#repaint(), repaintMs).unref();
  }

  #liveLines(): readonly string[] {
    const { width } = this.#region;
    const most = Math.max(1, Math.min(mostRows, this.#options.terminal.rows() - 4));
    const rows = [...this.#rows.values()].sort((a, b) => Number(b.moved > 0) - Number(a.moved > 0));
    const shown = rows.slice(0, most).map((row) => row.line(width));
    const hidden = rows.length - shown.length;
    const bold = this.#options.isColoured
      ? this.#painted(this.#total.line(width), "1")
      : this.#total.line(width);
    return [...shown, ...(hidden > 0 ? [`… and ${hidden} more`] : []), bold];
  }

  #write(text: string): void {
    this.#last = this.#options.write(text);
    this.#last = this.#last.catch(() => {}); // a mirror does not fail for lack of spectators
  }
}

function isNews({ outcome }: Extract<SyncEvent, { type: "image-ended" }>): boolean {
  return outcome.type === "copied" || outcome.type === "would-copy" || outcome.type === "left";
}
