import type { CopyEvent } from "../../copy/events.ts";
import type { Digest } from "../../core/digest.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { SyncEvent, SyncOutcome } from "../../sync/events.ts";
import { InTurns } from "../in-turns.ts";
import type { Log } from "../log.ts";
import { CopyLines } from "../progress-lines.ts";
import { formatDelay } from "../retry.ts";
import type { PlannedCopy } from "./plan-copies.ts";

/** What {@link SkopeoLines} speaks through. */
export interface SkopeoVoice {
  readonly log: Log;
  /** Of standard output. */
  readonly write: (line: string) => void;
  /** An image arrived, and all those before it were told of. */
  readonly arrived: (copy: PlannedCopy, digest: Digest) => void;
  /** The run ends with this one: it failed, and those before it were told of. */
  readonly failed: (copy: PlannedCopy) => void;
  readonly keepGoing: boolean;
  readonly removesSignatures: boolean;
}

/** One image of the run, and who speaks of it. */
interface Teller {
  readonly copy: PlannedCopy;
  readonly number: number;
  readonly lines: CopyLines;
  /** Those that are the same copy again. */
  readonly twins: Teller[];
}

/**
 * Skopeo's lines in skopeo's order: images are copied side by side, but told of one after the other. Where a failure ends
 * the run, what comes behind it is not told of.
 */
export class SkopeoLines {
  readonly #voice: SkopeoVoice;
  readonly #turns = new InTurns();
  readonly #tellers: ReadonlyMap<ImageReference, Teller>;
  #synced = 0;
  #isOver = false;

  constructor(copies: readonly PlannedCopy[], voice: SkopeoVoice) {
    this.#voice = voice;
    const byCopy = new Map<PlannedCopy, Teller>();
    for (const [number, copy] of copies.entries()) {
      const lines = new CopyLines((line) => this.#say(number, () => voice.write(line)));
      const teller: Teller = { copy, number, lines, twins: [] };
      byCopy.set(copy, teller);
      if (copy.twin) byCopy.get(copy.twin)?.twins.push(teller);
    }
    this.#tellers = new Map(
      Array.from(byCopy.values(), (teller) => [teller.copy.from.reference, teller]),
    );
  }

  /** How many have arrived, of those told of. */
  get synced(): number {
    return this.#synced;
  }

  note(event: SyncEvent): void {
    if (!("item" in event)) return;
    const teller = this.#tellers.get(event.item.from);
    if (!teller) return;
    if (event.type === "image-started") this.#introduce(teller);
    if (event.type === "image-retrying") this.#tellRetry(teller.number, event);
    if (event.type === "image-event") this.#show(teller, event.event);
    if (event.type === "image-ended") this.#end(teller, event.outcome);
  }

  #introduce({ number, copy: { position, of, shown } }: Teller): void {
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
    if (event.type === "already-there") this.#say(teller.number, () => this.#tellSkipping());
    else teller.lines.show(event);
  }

  #tellSkipping(): void {
    const { write, removesSignatures } = this.#voice;
    if (!removesSignatures) write("Getting image source signatures");
    write("Skipping: image already present at destination");
  }

  #end(teller: Teller, outcome: SyncOutcome): void {
    const { copy, number, lines, twins } = teller;
    lines.close();
    this.#say(number, () => this.#conclude(copy, outcome));
    this.#turns.end(number);
    for (const twin of twins) {
      this.#introduce(twin);
      if (outcome.type !== "failed") this.#say(twin.number, () => this.#tellSkipping());
      this.#end(twin, outcome);
    }
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
