import { KnownError } from "../core/errors.ts";
import type { FoundImage } from "./ends.ts";
import type { SyncItem, SyncSummary } from "./events.ts";
import { Feed } from "./feed.ts";
import { type RuleImage, sourceOf } from "./found.ts";
import { FreeNames } from "./free-names.ts";
import { GivenNames } from "./given-names.ts";
import type { Mirror, MirrorRule } from "./mirror.ts";
import { mirrorImage, type RunParts } from "./one-image.ts";
import { Outages } from "./outages.ts";
import type { MirrorParts, SyncImage } from "./parts.ts";
import { TakenImages } from "./taken-images.ts";
import { Tally } from "./tally.ts";

const limits = { sources: 16, ahead: 32 };

/** A run that one of its images has stopped. */
const stopped = new Error("the run was stopped: an image failed");

/**
 * Runs a mirror: finds its images, brings each up to date, so many at once, with what belongs to it, then prunes.
 *
 * What goes wrong with an image or a rule is told and counted, and never thrown; without `keepGoing` the first failed image
 * stops the run, and what is under way is called off. So does the signal. Memory does not grow with the number of images,
 * but for the tags of rules that prune.
 *
 * @returns the numbers; anything failed, stopped or in `failedRules` means that not all is as the mirror has it
 */
export async function runMirror(mirror: Mirror, given: MirrorParts): Promise<SyncSummary> {
  using stop = new Stop(given.signal);
  const tally = new Tally(given.dryRun);
  const taken = new TakenImages();
  const names = new GivenNames(mirror);
  const since = given.clock.now();
  const parts: RunParts = {
    ...given,
    freeNames: new FreeNames(),
    outages: new Outages(() => given.clock.now()),
    signal: stop.signal,
    report: (event) => {
      tally.note(event);
      taken.note(event);
      names.note(event);
      given.report(event);
    },
  };
  await bringAll(mirror, parts, { names, stop: () => stop.stop() });
  if (!stop.signal.aborted) for (const event of taken.nothingOf(mirror)) parts.report(event);
  await pruneAll(mirror, parts, names);
  return tally.summary(given.clock.now() - since, stop.signal.aborted);
}

/**
 * Is aborted with the signal, and by itself. Not by `AbortSignal.any`, whose signals look at all that they are made of
 * whenever they are asked: every request of every image asks.
 */
class Stop implements Disposable {
  readonly #own = new AbortController();
  readonly #given: AbortSignal;
  readonly #follow = () => this.#own.abort(this.#given.reason);

  constructor(given: AbortSignal) {
    this.#given = given;
    given.addEventListener("abort", this.#follow);
    if (given.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  stop(): void {
    this.#own.abort(stopped);
  }

  [Symbol.dispose](): void {
    this.#given.removeEventListener("abort", this.#follow);
  }
}

/** What one image's end means for the run. */
interface Run {
  readonly names: GivenNames;
  readonly stop: () => void;
}

async function bringAll(mirror: Mirror, parts: RunParts, run: Run): Promise<void> {
  const feed = new Feed<RuleImage>(
    mirror.rules.map((rule) => sourceOf(rule, parts)),
    limits,
  );
  const close = () => feed.close();
  if (parts.signal.aborted) close();
  parts.signal.addEventListener("abort", close, { once: true });
  let found = 0;
  const lane = async () => {
    for (let next = await feed.next(); next; next = await feed.next()) {
      const { rule, image } = next.value;
      run.names.add(rule, image);
      await bring({ ...image, item: itemOf(++found, rule, image) }, rule, parts, run);
      feed.done(next);
    }
  };
  const lanes = Array.from({ length: Math.max(1, parts.parallel) }, () =>
    lane().catch((error: unknown) => {
      run.stop(); // a bug: the others end first, then it is told
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
  parts.signal.removeEventListener("abort", close);
  if (failed?.status === "rejected") throw failed.reason;
}

function itemOf(number: number, { name }: MirrorRule, { from, to }: FoundImage): SyncItem {
  return { number, rule: name, from: from.reference, to: to.reference };
}

async function bring(
  image: SyncImage,
  rule: MirrorRule,
  parts: RunParts,
  { stop }: Run,
): Promise<void> {
  const { item } = image;
  parts.report({ type: "image-started", item });
  const end = await (parts.elsewhere ?? mirrorImage)(image, rule, parts);
  parts.report({ type: "image-ended", item, ...end });
  if (end.outcome.type === "failed" && !parts.keepGoing) stop();
}

/** One rule after the other, once all images have ended; what cannot be pruned is told, and counted as a rule that failed. */
async function pruneAll(mirror: Mirror, parts: MirrorParts, names: GivenNames): Promise<void> {
  const { steps, report, signal, dryRun } = parts;
  for (const rule of mirror.rules) {
    if (!rule.prune || signal.aborted) continue;
    try {
      await steps.prune(rule, names.of(rule), { report, signal, dryRun, parts });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KnownError)) throw error;
      const { code, message, retryable } = error;
      report({ type: "prune-failed", rule: rule.name, code, message, retryable });
    }
  }
}
