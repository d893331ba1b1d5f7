import type { SyncEvent } from "../../sync/events.ts";
import type { Log } from "../log.ts";
import {
  endedSentence,
  failureSentence,
  isWarning,
  passingSentence,
  summarySentence,
} from "./sentences.ts";
import type { SyncEnd, SyncView } from "./view.ts";

/** What {@link PlainView} speaks through. */
export interface PlainVoice {
  /** Of standard output: some lines, each with its end. */
  readonly write: (lines: string) => Promise<void>;
  readonly log: Log;
  /** Only what is wrong is told. */
  readonly quiet: boolean;
}

const gatherMs = 20;

/** A line for each image as it ends, for logs; failures go to the program's log. */
export class PlainView implements SyncView {
  readonly #voice: PlainVoice;
  readonly #companions = new Map<number, number>();
  #last: Promise<void> = Promise.resolve();
  #untold = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(voice: PlainVoice) {
    this.#voice = voice;
  }

  note(event: SyncEvent, hint?: string): void {
    const failure = failureSentence(event);
    if (failure !== undefined) this.#warn().error(failure, hint === undefined ? {} : { hint });
    if (event.type === "companion") this.#count(event.item.number);
    const line = event.type === "image-ended" ? this.#ended(event) : passingSentence(event);
    if (line !== undefined && isWarning(event)) this.#warn().warning(line);
    else this.#tell(line);
  }

  async close(end: SyncEnd | undefined): Promise<void> {
    if (end) this.#tell(summarySentence(end.summary, end.traffic, end.isDryRun));
    this.#tellAll();
    await this.#last;
  }

  /** Where both go to the same place, lines stay in order. */
  #warn(): Log {
    this.#tellAll();
    return this.#voice.log;
  }

  #count(number: number): void {
    this.#companions.set(number, (this.#companions.get(number) ?? 0) + 1);
  }

  #ended(event: Extract<SyncEvent, { type: "image-ended" }>): string | undefined {
    const companions = this.#companions.get(event.item.number);
    this.#companions.delete(event.item.number);
    return endedSentence(event, companions);
  }

  /** A moment later: lines that come close together are one write. */
  #tell(line: string | undefined): void {
    if (line === undefined || this.#voice.quiet) return;
    this.#untold += `${line}\n`;
    this.#timer ??= setTimeout(() => this.#tellAll(), gatherMs);
  }

  #tellAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#untold === "") return;
    this.#last = this.#voice.write(this.#untold);
    this.#last = this.#last.catch(() => {}); // a mirror does not fail for lack of spectators
    this.#untold = "";
  }
}
