import { createTransfers, type Transfers } from "../../copy/transfers.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { JobRequest, JobResult, SyncPart } from "../../jobs/job.ts";
import type { PartialResult } from "../../jobs/worker.ts";
import { Compression } from "../../stream/recompress.ts";
import { createSteps } from "../../sync/default-steps.ts";
import type { Enumerate } from "../../sync/ends.ts";
import type { SyncEvent } from "../../sync/events.ts";
import type { MirrorRule } from "../../sync/mirror.ts";
import type { ImageEnd } from "../../sync/one-image.ts";
import { runMirror } from "../../sync/run-mirror.ts";
import { clock } from "../clock.ts";
import { NewFolders } from "../sync/new-folders.ts";
import { type JobEnds, openJobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";
import { documentOf, mirrorEndsOf, retries, transfersAtOnce } from "./perform-sync.ts";

/** How long what a mirror's parts are done with is kept for the next part of it. */
const keptMs = 15_000;

interface Kept {
  readonly ends: Promise<JobEnds>;
  readonly transfers: Transfers;
  readonly compression: Compression;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** Does parts of mirrors; connections, and what is known of blobs, serve all parts of one mirror. */
export class PartPerformer implements AsyncDisposable {
  readonly #parts: PerformParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: PerformParts) {
    this.#parts = parts;
  }

  /** What failed is in the result: the job that handed the part on says what comes of it. */
  async perform(
    request: JobRequest,
    { signal, story, owner }: PerformContext,
  ): Promise<JobResult | PartialResult> {
    if (request.kind !== "sync" || !request.part) throw new Error("not a part of a mirror");
    await this.#parts.rules.check(request, owner);
    await this.#parts.watching.blocks.renew();
    const { part } = request;
    const kept = this.#take(part.of);
    try {
      const parts = { ...this.#parts, ends: await kept.ends };
      const document = await documentOf(request, parts, parts.ends.parts.platform);
      const rules = document.mirror.rules.map((rule) => ({ ...rule, prune: undefined }));
      const ends = new Map<string, ImageEnd>();
      let mayPass = false;
      const summary = await runMirror(
        { rules },
        {
          ends: mirrorEndsOf(document, { ...parts, folders: new NewFolders() }, request), // which stay: others use them
          gate: this.#parts.gate.now(),
          transfers: kept.transfers,
          compression: kept.compression,
          steps: { ...createSteps(document.mirror), enumerate: found(part, rules) },
          coordinator: this.#parts.coordinator,
          clock,
          random: Math.random,
          signal,
          parallel: 1, // a slot is an image at a time
          retries,
          keepGoing: true,
          dryRun: false,
          failed: (_item, { retryable }) => {
            mayPass ||= retryable;
          },
          report(event) {
            story.tellSync(event);
            noteEnd(ends, event);
          },
        },
      );
      signal.throwIfAborted();
      return {
        kind: "sync",
        summary,
        mayPass,
        ends: part.images.map((image) => ends.get(keyOf(image)) ?? unknown),
      };
    } finally {
      this.#give(part.of, kept);
    }
  }

  #take(of: string): Kept {
    const kept = this.#kept.get(of) ?? {
      ends: openJobEnds(this.#parts),
      transfers: createTransfers(transfersAtOnce, this.#parts.coordinator),
      compression: new Compression(),
      users: 0,
      timer: undefined,
    };
    this.#kept.set(of, kept);
    clearTimeout(kept.timer);
    kept.users++;
    kept.ends.catch(() => this.#kept.delete(of)); // the next part tries anew
    return kept;
  }

  #give(of: string, kept: Kept): void {
    if (--kept.users > 0) return;
    kept.timer = setTimeout(() => {
      this.#kept.delete(of);
      void close(kept);
    }, keptMs);
    kept.timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kept of this.#kept.values()) {
      clearTimeout(kept.timer);
      await close(kept);
    }
    this.#kept.clear();
  }
}

const unknown: ImageEnd = {
  outcome: {
    type: "failed",
    code: "sync.not-found",
    message: "the image was passed over",
    refused: false,
  },
  figures: { bytesMoved: 0, bytesSpared: 0, ms: 0, retries: 0 },
};

async function close({ ends }: Kept): Promise<void> {
  await ends.then(
    (opened) => opened[Symbol.asyncDispose](),
    () => {}, // whoever wanted it was told
  );
}

/** The images of a part, as what looks for them would give them. */
function found({ images }: SyncPart, rules: readonly MirrorRule[]): Enumerate {
  return async function* (rule, { ends, signal }) {
    const from = await ends.open(rule.from.end);
    const to = await ends.open(rule.to.end);
    const index = rules.indexOf(rule);
    for (const image of images) {
      if (image.rule !== index) continue;
      yield {
        from: await from.resolve(image.from, "source", { signal }),
        to: await to.resolve(image.to, "destination", { signal }),
      };
    }
  };
}

function noteEnd(ends: Map<string, ImageEnd>, event: SyncEvent): void {
  if (event.type !== "image-ended") return;
  const { item, outcome, source, figures } = event;
  const key = keyOf({
    from: formatImageReference(item.from),
    to: formatImageReference(item.to),
  });
  ends.set(key, { outcome, figures, ...(source !== undefined && { source }) });
}

function keyOf({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from}\0${to}`;
}
