import type { CopyEvent } from "../../copy/events.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { SyncEvent, SyncItem } from "../../sync/events.ts";
import { barOf } from "../progress-bars.ts";
import { RateMeter } from "../rate-meter.ts";
import { formatBytes } from "../summary.ts";

const barWidth = { most: 24, least: 8 } as const;
const leastName = 16;

/** An image under way: how many of its bytes are there, and how fast they come. */
export class ImageRow {
  companions = 0;
  readonly #name: string;
  readonly #meter = new RateMeter();
  readonly #planned = new Map<string, number>();
  readonly #settled = new Map<string, number>();
  readonly #moving = new Map<string, number>();
  #moved = 0;

  constructor({ from }: SyncItem) {
    this.#name = formatImageReference(from).replace(/^docker:\/\//, "");
  }

  /** Bytes read so far. */
  get moved(): number {
    return this.#moved + sum(this.#moving);
  }

  note(event: SyncEvent): void {
    if (event.type === "companion") this.companions += 1;
    if (event.type !== "image-event") return;
    this.#take(event.event);
    this.#meter.add(this.moved, performance.now());
  }

  /** The bar gives way to the name, and the name to the numbers. */
  line(width: number): string {
    const numbers = this.#numbers();
    const left = width - numbers.length - 4;
    const room = Math.min(barWidth.most, Math.max(barWidth.least, left - this.#name.length));
    const bar = left - room < leastName ? "" : `[${barOf(this.#part(), room)}]`;
    const nameRoom = Math.max(leastName, width - numbers.length - bar.length - 2);
    return `${fitted(this.#name, nameRoom)} ${bar} ${numbers}`;
  }

  #numbers(): string {
    const all = sum(this.#planned);
    const there = sum(this.#settled) + sum(this.#moving);
    const rate = this.#meter.rate();
    const bytes = all > 0 ? `${formatBytes(there)} / ${formatBytes(all)}` : "";
    const speed = rate !== undefined && rate > 0 ? `${formatBytes(Math.round(rate))}/s` : "";
    return `${bytes.padStart(21)}  ${speed.padStart(11)}`;
  }

  #part(): number {
    const all = sum(this.#planned);
    return all > 0 ? Math.min(1, (sum(this.#settled) + sum(this.#moving)) / all) : 0;
  }

  #take(event: CopyEvent): void {
    switch (event.type) {
      case "blobs-planned":
        for (const { digest, size } of event.blobs)
          this.#planned.set(`${event.instance} ${digest}`, Math.max(0, size));
        break;
      case "blob-moving":
        this.#moving.set(`${event.instance} ${event.blob}`, event.sent);
        break;
      case "blob-adopted":
        this.#settle(`${event.instance} ${event.blob}`, event.size);
        break;
      case "blob-copied":
        this.#moved += Math.max(0, event.size);
        this.#settle(`${event.instance} ${event.blob}`, event.size);
        break;
      default:
    }
  }

  #settle(key: string, size: number): void {
    this.#moving.delete(key);
    this.#settled.set(key, Math.max(0, size));
  }
}

/** Without its registry where it is too long; then the end tells more than the beginning. */
function fitted(name: string, width: number): string {
  const short = name.length <= width ? name : name.slice(name.indexOf("/") + 1);
  const cut = short.length <= width ? short : `…${short.slice(short.length - width + 1)}`;
  return cut.padEnd(width);
}

function sum(sizes: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const size of sizes.values()) total += size;
  return total;
}
