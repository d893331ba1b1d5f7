import type { SyncEvent } from "../../sync/events.ts";
import type { Log } from "../log.ts";
import {
  endedSentence,
  failureSentence,
  isRetry,
  passingSentence,
  summarySentence,
} from "./sentences.ts";
import type { SyncEnd, SyncView } from "./view.ts";

/** What {@link PlainView} speaks through. */
export interface PlainVoice {
  /** Of standard output. */
  readonly write: (line: string) => Promise<void>;
  readonly log: Log;
  /** Only what is wrong is told. */
  readonly quiet: boolean;
}

/** A line for each image as it ends, for logs; failures go to the program's log. */
export class PlainView implements SyncView {
  readonly #voice: PlainVoice;
  readonly #companions = new Map<number, number>();
  #last: Promise<void> = Promise.resolve();

  constructor(voice: PlainVoice) {
    this.#voice = voice;
  }

  note(event: SyncEvent, hint?: string): void {
    const failure = failureSentence(event);
    if (failure !== undefined) this.#voice.log.error(failure, hint === undefined ? {} : { hint });
    if (event.type === "companion") this.#count(event.item.number);
    const line = event.type === "image-ended" ? this.#ended(event) : passingSentence(event);
    if (line !== undefined && isRetry(event)) this.#voice.log.warning(line);
    else this.#tell(line);
  }

  async close(end: SyncEnd | undefined): Promise<void> {
    if (end) this.#tell(summarySentence(end.summary, end.traffic, end.isDryRun));
    await this.#last;
  }

  #count(number: number): void {
    this.#companions.set(number, (this.#companions.get(number) ?? 0) + 1);
  }

  #ended(event: Extract<SyncEvent, { type: "image-ended" }>): string | undefined {
    const companions = this.#companions.get(event.item.number);
    this.#companions.delete(event.item.number);
    return endedSentence(event, companions);
  }

  #tell(line: string | undefined): void {
    if (line === undefined || this.#voice.quiet) return;
    this.#last = this.#voice.write(line);
    this.#last = this.#last.catch(() => {}); // a mirror does not fail for lack of spectators
  }
}
