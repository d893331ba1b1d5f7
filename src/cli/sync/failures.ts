import type { KnownError } from "../../core/errors.ts";
import type { SyncEvent, SyncItem, SyncSummary } from "../../sync/events.ts";
import { CliError } from "../errors.ts";
import { hintFor } from "../hints.ts";
import { count, failureSentence } from "./sentences.ts";

const again =
  "Put right what is told of above and run it again: what is there already is not copied again";
const mostKept = 10;

/** What went wrong in a run, as far as its last lines need it. */
export class Failures {
  readonly #hints = new Map<number, string | undefined>();
  readonly #told = new Set<string>();
  readonly #sentences: string[] = [];

  /** An image's error, before its end is told. */
  keep({ number }: SyncItem, error: KnownError): void {
    this.#hints.set(number, hintFor(error));
  }

  /** The first of them, for whoever has seen them scroll away. */
  get sentences(): readonly string[] {
    return this.#sentences;
  }

  note(event: SyncEvent): void {
    const sentence = failureSentence(event);
    if (sentence !== undefined && this.#sentences.length < mostKept) this.#sentences.push(sentence);
  }

  /** What can be done about a failure, the first time that this can be said. */
  hintOf(event: SyncEvent): string | undefined {
    const hint = this.#hint(event);
    if (hint === undefined || this.#told.has(hint)) return undefined;
    this.#told.add(hint);
    return hint;
  }

  /** The run's own failure; undefined where all went well. */
  failure({ failed, stopped, failedRules }: SyncSummary): CliError | undefined {
    const what = [
      ...(failed > 0 ? [`${count(failed, "image")} failed`] : []),
      ...(stopped > 0 ? [`${stopped} not finished`] : []),
      ...(failedRules > 0
        ? [`${count(failedRules, "listing or removal", "listings or removals")} failed`]
        : []),
    ];
    if (what.length === 0) return undefined;
    return new CliError("cli.mirror-incomplete", `Not all was brought: ${what.join(", ")}`, {
      hint: again,
    });
  }

  #hint(event: SyncEvent): string | undefined {
    if (event.type === "prune-refused")
      return "Look at what --dry-run would remove, and raise prune.threshold if it is meant";
    if (event.type === "listing-failed" || event.type === "prune-failed")
      return hintFor(new Error(failureSentence(event)));
    if (event.type !== "image-ended") return undefined;
    const hint = this.#hints.get(event.item.number);
    this.#hints.delete(event.item.number);
    return hint;
  }
}
