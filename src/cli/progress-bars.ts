import type { CopyEvent } from "../copy/events.ts";
import type { Digest } from "../core/digest.ts";
import { hexOf } from "../core/digest.ts";
import { InTurns } from "./in-turns.ts";
import { LiveRegion } from "./live-region.ts";
import type { ProgressView } from "./progress.ts";
import { linesOf } from "./progress-lines.ts";
import { RateMeter } from "./rate-meter.ts";
import { formatBytes, formatSeconds } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

const REPAINT_MS = 100;
/** More bars than this are only counted. */
const MOST_BARS = 10;
const SHORT_DIGEST = 12;
const BAR_WIDTH = { most: 30, least: 6 } as const;

interface Bar {
  readonly label: string;
  readonly size: number;
  sent: number;
  readonly meter: RateMeter;
}

/**
 * Bars for the blobs under way and one line for the whole, repainted in place at most ten times a second, each time with
 * a single write. What is done moves up and stays.
 */
export class ProgressBars implements ProgressView {
  readonly #region: LiveRegion;
  readonly #bars = new Map<string, Bar>();
  readonly #planned = new Map<string, number>();
  readonly #total = new RateMeter();
  readonly #finished: string[] = [];
  readonly #turns = new InTurns();
  #doneBlobs = 0;
  #doneBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void, terminal: Pick<Terminal, "columns">) {
    this.#region = new LiveRegion(write, terminal);
  }

  show(event: CopyEvent): void {
    this.#take(event);
    this.#timer ??= setTimeout(() => this.#repaint(), REPAINT_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#bars.clear();
    this.#planned.clear();
    this.#turns.flushAll();
    this.#paint();
  }

  #take(event: CopyEvent): void {
    switch (event.type) {
      case "blobs-planned":
        for (const { digest, size } of event.blobs) this.#planned.set(keyOf(event, digest), size);
        break;
      case "blob-moving":
        this.#move(event);
        break;
      case "blob-adopted":
        this.#settle(event, event.blob, event.size, `${ADOPTED[event.how]}`);
        break;
      case "blob-copied":
        this.#settle(event, event.blob, event.size, formatBytes(Math.max(0, event.size)));
        break;
      case "config-copying":
        this.#finish(
          event,
          `Copying config ${short(event.config)} done   ${formatBytes(event.size)}`,
        );
        break;
      default:
        for (const line of linesOf(event)) this.#finish(event, line);
    }
    if (event.type === "instance-copied" && event.instance !== undefined)
      this.#turns.end(event.instance);
  }

  /** What is done of a list's images stays in their order. */
  #finish({ instance, type }: CopyEvent, line: string): void {
    const tell = () => this.#finished.push(line);
    if (instance !== undefined) this.#turns.say(instance, tell);
    else {
      if (type === "manifest-writing") this.#turns.flushAll();
      tell();
    }
  }

  #move(event: Extract<CopyEvent, { type: "blob-moving" }>): void {
    const key = keyOf(event, event.blob);
    const bar = this.#bars.get(key) ?? {
      label: `Copying blob ${short(event.blob)}`,
      size: event.size,
      sent: 0,
      meter: new RateMeter(),
    };
    this.#bars.set(key, bar);
    bar.sent = event.sent;
    bar.meter.add(event.sent, performance.now());
    const underWay = Array.from(this.#bars.values(), ({ sent }) => sent);
    this.#total.add(this.#doneBytes + sum(underWay), performance.now());
  }

  #settle(event: CopyEvent, blob: Digest, size: number, how: string): void {
    const key = keyOf(event, blob);
    this.#bars.delete(key);
    this.#doneBlobs += 1;
    this.#doneBytes += Math.max(0, size);
    this.#finish(event, `Copying blob ${short(blob)} done   ${how}`);
  }

  #repaint(): void {
    this.#timer = undefined;
    this.#paint();
    if (this.#bars.size > 0) this.#timer = setTimeout(() => this.#repaint(), REPAINT_MS).unref();
  }

  #paint(): void {
    this.#region.paint(this.#finished.splice(0), this.#liveLines(this.#region.width));
  }

  #liveLines(width: number): readonly string[] {
    const bars = [...this.#bars.values()];
    if (bars.length === 0) return [];
    const shown = bars.slice(0, MOST_BARS).map((bar) => barLine(bar, width));
    const hidden = bars.length - shown.length;
    return [...shown, ...(hidden > 0 ? [`… and ${hidden} more`] : []), this.#totalLine()];
  }

  #totalLine(): string {
    const sizes = [...this.#planned.values()];
    const isKnown = sizes.every((size) => size >= 0);
    const all = sum(sizes);
    const now = this.#doneBytes + sum(Array.from(this.#bars.values(), ({ sent }) => sent));
    const left = isKnown ? this.#total.secondsFor(all - now) : undefined;
    return [
      `${this.#doneBlobs}/${this.#planned.size} blobs`,
      isKnown ? `${formatBytes(now)} / ${formatBytes(all)}` : formatBytes(now),
      rateText(this.#total),
      left === undefined ? "" : `${formatSeconds(left)} left`,
    ]
      .filter((part) => part !== "")
      .join("  ");
  }
}

const ADOPTED = { held: "already there", mounted: "mounted", shared: "shared" } as const;

function keyOf({ instance }: CopyEvent, digest: Digest): string {
  return `${instance ?? ""} ${digest}`;
}

function short(digest: Digest): string {
  return hexOf(digest).slice(0, SHORT_DIGEST);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + Math.max(0, value), 0);
}

function rateText(meter: RateMeter): string {
  const rate = meter.rate();
  return rate === undefined ? "" : `${formatBytes(rate)}/s`;
}

/** `Copying blob 0123456789ab [====>   ] 12.0 MiB / 36.2 MiB  4.1 MiB/s  6s`; the bar gives way to the numbers. */
function barLine({ label, size, sent, meter }: Bar, width: number): string {
  const left = size < 0 ? undefined : meter.secondsFor(size - sent);
  const numbers = [
    size < 0 ? formatBytes(sent) : `${formatBytes(sent)} / ${formatBytes(size)}`,
    rateText(meter),
    left === undefined ? "" : formatSeconds(left),
  ]
    .filter((part) => part !== "")
    .join("  ");
  const room = Math.min(BAR_WIDTH.most, width - label.length - numbers.length - 4);
  if (size <= 0 || room < BAR_WIDTH.least) return `${label} ${numbers}`;
  return `${label} [${barOf(Math.min(1, sent / size), room)}] ${numbers}`;
}

/** `=====>----`, as wide as told. */
export function barOf(part: number, width: number): string {
  const full = Math.floor(part * width);
  const head = full > 0 && full < width ? ">" : "";
  return `${"=".repeat(full - head.length)}${head}`.padEnd(width, "-");
}
