import type { Gate } from "../../../policy/gate.ts";
import type { CopyOptions } from "../../copy/options.ts";
import type { Signing } from "../../copy/sign.ts";
import type { KnownError } from "../../core/errors.ts";
import type { FoundImage } from "../../sync/ends.ts";
import type { SyncEvent, SyncItem } from "../../sync/events.ts";
import type { MirrorRule } from "../../sync/mirror.ts";
import { runMirror } from "../../sync/run-mirror.ts";
import type { CommandContext } from "../context.ts";
import { prefixed } from "../errors.ts";
import type { End } from "../parts.ts";
import { endSettings } from "../settings.ts";
import type { DigestFile } from "./digest-file.ts";
import { imagesAtOnce, runParts } from "./mirror-parts.ts";
import { NewFolders } from "./new-folders.ts";
import type { CopyPlan, PlannedCopy } from "./plan-copies.ts";
import { failureOf, SkopeoLines } from "./skopeo-lines.ts";
import { Turnstile } from "./turnstile.ts";

/** Images at most whose lines wait for those of an earlier one, which takes long. */
const untoldAtOnce = 1000;

/** Copies to make, all named and possible as far as can be seen. */
export interface CopiesJob {
  readonly plan: CopyPlan;
  /** Of the destination. */
  readonly end: End;
  readonly gate: Gate;
  readonly options: CopyOptions;
  readonly signing: Signing;
  readonly digests: DigestFile | undefined;
}

/** How many images arrived; some did not, and that was told, where it is incomplete. */
export interface Synced {
  readonly images: number;
  readonly isIncomplete: boolean;
}

/**
 * Makes the copies and tells of them in skopeo's lines. Without `--keep-going` none is begun after one has failed, and
 * those before it are made: what skopeo would have copied is copied.
 *
 * @throws what the first failed copy failed with, without `--keep-going`
 */
export async function runCopies(context: CommandContext, job: CopiesJob): Promise<Synced> {
  await using folders = new NewFolders();
  const run = new CopiesRun(context, job, folders);
  const { retryTimes, retryDelayMs } = endSettings(context.flags, context.globals, "dest-");
  const mirror = { rules: [wordsRule(job.options, "sync")] };
  const parts = runParts(context, {
    mirror,
    gate: job.gate,
    signing: job.signing,
    enumerate: () => run.images(),
    report: (event) => run.note(event),
    failed: (item, error) => run.failed(item, error),
    retries: retryTimes,
    retryDelayMs: (attempt) => retryDelayMs || 1000 * 2 ** (attempt - 1),
  });
  const summary = await runMirror(mirror, parts);
  context.signal.throwIfAborted();
  run.throwFailure();
  return { images: run.synced, isIncomplete: summary.failed > 0 };
}

/** The one rule of skopeo's words: what it takes has been listed already. */
export function wordsRule(copy: CopyOptions, name: string): MirrorRule {
  return {
    name,
    from: { kind: "place", text: "", end: "source" },
    to: { template: "", replace: [], suffix: "", end: "destination" },
    tags: {
      list: undefined,
      include: [],
      exclude: [],
      semver: undefined,
      newest: undefined,
      newestBy: "name",
      maxAgeMs: undefined,
    },
    copy,
    companions: { referrers: "none", digestTags: false },
    existing: { kind: "update" },
    prune: undefined,
  };
}

/** Feeds the copies in their order, and keeps what is to be told in the end. */
class CopiesRun {
  readonly #job: CopiesJob;
  readonly #folders: NewFolders;
  readonly #signal: AbortSignal;
  readonly #keepGoing: boolean;
  readonly #turnstile = new Turnstile(imagesAtOnce);
  readonly #untold = new Turnstile(untoldAtOnce);
  readonly #lines: SkopeoLines;
  readonly #errors = new Map<SyncItem["from"], KnownError>();
  #failure: unknown;

  constructor(context: CommandContext, job: CopiesJob, folders: NewFolders) {
    const { flags, log, terminal, signal } = context;
    this.#job = job;
    this.#folders = folders;
    this.#signal = signal;
    this.#keepGoing = flags.bool("keep-going");
    this.#lines = new SkopeoLines({
      log,
      write: (line) => void terminal.out(`${line}\n`).catch((error) => this.#stop(error)),
      arrived: ({ shown }, digest) => this.#orStop(() => job.digests?.add(digest, shown.to)),
      told: () => this.#untold.leave(),
      failed: (copy) => this.#stop(this.#failureOf(copy)),
      keepGoing: this.#keepGoing,
      removesSignatures: job.options.removeSignatures,
    });
  }

  get synced(): number {
    return this.#lines.synced;
  }

  async *images(): AsyncGenerator<FoundImage> {
    const close = () => this.#close();
    this.#signal.addEventListener("abort", close, { once: true });
    for await (const copy of this.#job.plan.copies("once")) {
      if (!(await this.#untold.enter()) || !(await this.#turnstile.enter())) break;
      const image = await this.#found(copy);
      if (image === undefined) break;
      this.#lines.expect(copy);
      yield image;
    }
    this.#signal.removeEventListener("abort", close);
  }

  note(event: SyncEvent): void {
    this.#lines.note(event);
    if (event.type !== "image-ended") return;
    this.#turnstile.leave();
    if (event.outcome.type === "failed" && !this.#keepGoing) this.#close();
  }

  failed({ from }: SyncItem, error: KnownError): void {
    if (!this.#keepGoing) this.#errors.set(from, error);
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Undefined where its folder cannot be made, which ends the run. */
  async #found({ from, to, read }: PlannedCopy): Promise<FoundImage | undefined> {
    try {
      if (to.startsWith("dir:")) await this.#folders.makeFor(to.slice("dir:".length));
      const resolve = () => this.#job.end.resolve(to, "destination", { signal: this.#signal });
      return { from, to: read ?? (await resolve()) };
    } catch (error) {
      this.#stop(error);
      return undefined;
    }
  }

  #failureOf(copy: PlannedCopy): unknown {
    return prefixed(failureOf(copy), this.#errors.get(copy.from.reference));
  }

  #close(): void {
    this.#turnstile.close();
    this.#untold.close();
  }

  #orStop(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#stop(error);
    }
  }

  #stop(error: unknown): void {
    this.#failure ??= error;
    this.#close();
  }
}
