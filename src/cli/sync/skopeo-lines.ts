import type { CopyEvent } from "../../copy/events.ts";
import type { Digest } from "../../core/digest.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { SyncEvent, SyncOutcome } from "../../sync/events.ts";
import { InTurns } from "../in-turns.ts";
import type { Log } from "../log.ts";
import { CopyLines } from "../progress-lines.ts";
import { formatDelay } from "../retry.ts";
import type { CopyTurn, PlannedCopy } from "./plan-copies.ts";

/** What {@link SkopeoLines} speaks through. */
export interface SkopeoVoice {
  readonly log: Log;
  /** Of standard output. */
  readonly write: (line: string) => void;
  /** An image arrived, and all those before it were told of. */
  readonly arrived: (copy: PlannedCopy, digest: Digest) => void;
  /** All that there is to tell of an image was told. */
  readonly told: () => void;
  /** The run ends with this one: it failed, and those before it were told of. */
  readonly failed: (copy: PlannedCopy) => void;
  readonly keepGoing: boolean;
  readonly removesSignatures: boolean;
}

/** One image of the run, and who speaks of it. */
interface Teller {
  readonly copy: PlannedCopy;
  readonly lines: CopyLines;
}

/**
 * Skopeo's lines in skopeo's order: images are copied side by side, but told of one after the other. Where a failure ends
 * the run, what comes behind it is not told of.
 */
export class SkopeoLines {
  readonly #voice: SkopeoVoice;
  readonly #turns = new InTurns();
  /** Of the images under way. */
  readonly #tellers = new Map<ImageReference, Teller>();
  #synced = 0;
  #isOver = false;

  constructor(voice: SkopeoVoice) {
    this.#voice = voice;
  }

  /** It will be told of from now on. */
  expect(copy: PlannedCopy): void {
    const write = (line: string) => this.#say(copy.number, () => this.#voice.write(line));
    this.#tellers.set(copy.from.reference, { copy, lines: new CopyLines(write) });
  }

  /** How many have arrived, of those told of. */
  get synced(): number {
    return this.#synced;
  }

  note(event: SyncEvent): void {
    if (!("item" in event)) return;
    const teller = this.#tellers.get(event.item.from);
    if (!teller) return;
    const { copy } = teller;
    if (event.type === "image-started") this.#introduce(copy, copy);
    if (event.type === "image-retrying") this.#tellRetry(copy.number, event);
    if (event.type === "image-event") this.#show(teller, event.event);
    if (event.type === "image-ended") this.#end(teller, event.outcome);
  }

  #introduce({ shown }: PlannedCopy, { number, position, of }: CopyTurn): void {
    this.#say(number, () =>
      this.#voice.log.info(`Copying image ref ${position}/${of}`, { ...shown }),
    );
  }

  #tellRetry(number: number, event: Extract<SyncEvent, { type: "image-retrying" }>): void {
    const { attempt, of, delayMs, message } = event;
    const when = `${formatDelay(delayMs)} ... (${attempt}/${of})`;
    this.#say(number, () =>
      this.#voice.log.warning(`Failed, retrying in ${when}. Error: ${message}`),
    );
  }

  #show(teller: Teller, event: CopyEvent): void {
    if (event.type === "already-there") this.#say(teller.copy.number, () => this.#tellSkipping());
    else teller.lines.show(event);
  }

  #tellSkipping(): void {
    const { write, removesSignatures } = this.#voice;
    if (!removesSignatures) write("Getting image source signatures");
    write("Skipping: image already present at destination");
  }

  #end({ copy, lines }: Teller, outcome: SyncOutcome): void {
    this.#tellers.delete(copy.from.reference);
    lines.close();
    this.#endTurn(copy, copy, outcome);
    for (const twin of copy.twins) {
      this.#introduce(copy, twin);
      if (outcome.type !== "failed") this.#say(twin.number, () => this.#tellSkipping());
      this.#endTurn(copy, twin, outcome);
    }
  }

  #endTurn(copy: PlannedCopy, { number }: CopyTurn, outcome: SyncOutcome): void {
    this.#say(number, () => this.#conclude(copy, outcome));
    if (number === copy.number) this.#say(number, this.#voice.told);
    this.#turns.end(number);
  }

  #conclude(copy: PlannedCopy, outcome: SyncOutcome): void {
    const { log, arrived, failed, keepGoing } = this.#voice;
    if (outcome.type === "copied" || outcome.type === "unchanged") {
      this.#synced += 1;
      arrived(copy, outcome.digest);
    } else if (outcome.type === "failed" && keepGoing) {
      log.error(failureOf(copy), { error: outcome.message });
    } else {
      this.#isOver = true;
      if (outcome.type === "failed") failed(copy);
    }
  }

  #say(number: number, tell: () => void): void {
    this.#turns.say(number, () => {
      if (!this.#isOver) tell();
    });
  }
}

/** What skopeo says before the reason. */
export function failureOf({ shown }: PlannedCopy): string {
  return `Error copying ref ${goQuote(shown.from)}`;
}
