import type { SyncEvent } from "../../sync/events.ts";
import { RateMeter } from "../rate-meter.ts";
import { formatBytes, formatSeconds } from "../summary.ts";

/** The numbers of a run as they grow: images, bytes, rate, time left. */
export class TotalLine {
  readonly #bytes = new RateMeter();
  readonly #images = new RateMeter();
  readonly #moving = new Map<number, number>();
  readonly #ended: Record<string, number> = {};
  #found = 0;
  #started = 0;
  #done = 0;
  #moved = 0;
  #listing = "";

  note(event: SyncEvent): void {
    switch (event.type) {
      case "listing":
        this.#listing = event.what;
        break;
      case "listed":
        if (event.of === undefined) this.#found += event.taken;
        this.#listing = "";
        break;
      case "image-started":
        this.#started += 1;
        break;
      case "image-ended":
        this.#end(event);
        break;
      default:
    }
  }

  /** How many bytes of an image were read; undefined when it has ended. */
  underWay(image: number, moved: number | undefined): void {
    if (moved === undefined) this.#moving.delete(image);
    else this.#moving.set(image, moved);
    this.#bytes.add(this.#movedNow(), performance.now());
  }

  line(width: number): string {
    const all = Math.max(this.#found, this.#started);
    if (all === 0) return this.#listing === "" ? "Looking for images" : `Listing ${this.#listing}`;
    const parts = [`${this.#done}/${all} images`, ...this.#counts(), ...this.#speed(all)];
    while (parts.length > 1 && parts.join("  ").length > width) parts.splice(1, 1);
    return parts.join("  ");
  }

  #end({ outcome, figures }: Extract<SyncEvent, { type: "image-ended" }>): void {
    const word = words[outcome.type] ?? outcome.type;
    this.#ended[word] = (this.#ended[word] ?? 0) + 1;
    this.#done += 1;
    this.#moved += figures.bytesMoved;
    this.#images.add(this.#done, performance.now());
  }

  #counts(): readonly string[] {
    return Object.entries(this.#ended).map(([word, number]) => `${number} ${word}`);
  }

  #speed(all: number): readonly string[] {
    const rate = this.#bytes.rate();
    const left = this.#images.secondsFor(all - this.#done);
    return [
      formatBytes(this.#movedNow()),
      ...(rate !== undefined && rate > 0 ? [`${formatBytes(Math.round(rate))}/s`] : []),
      ...(left !== undefined && left > 0 ? [`${formatSeconds(left)} left`] : []),
    ];
  }

  #movedNow(): number {
    let moving = 0;
    for (const bytes of this.#moving.values()) moving += bytes;
    return this.#moved + moving;
  }
}

const words: Readonly<Record<string, string>> = { "would-copy": "to copy", stopped: "called off" };
