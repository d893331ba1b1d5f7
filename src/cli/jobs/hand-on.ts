import { setTimeout as pause } from "node:timers/promises";
import { formatImageReference } from "../../core/image-reference.ts";
import type { Job, JobRequest, SyncPart } from "../../jobs/job.ts";
import { hasEnded } from "../../jobs/job-rules.ts";
import type { JobEvent } from "../../jobs/ledger.ts";
import { cancelJob, type JobDesk, submitJob } from "../../jobs/submit-job.ts";
import type { MirrorRule } from "../../sync/mirror.ts";
import type { ImageEnd } from "../../sync/one-image.ts";
import type { BringElsewhere, SyncImage } from "../../sync/parts.ts";

/** A mirror whose images are handed on. */
export interface HandingOn {
  /** Where parts are put. */
  readonly desk: JobDesk;
  readonly job: string;
  readonly owner: string;
  readonly request: JobRequest & { readonly kind: "sync" };
  readonly rules: readonly MirrorRule[];
  /** Told what workers tell of blobs under way. */
  readonly tell: (event: JobEvent) => void;
  /** Told that an image failed that may do another time. */
  readonly mayPass: () => void;
}

/** Few enough that all workers have some, many enough that the queue is no burden. */
const imagesInPart = 2;
/** How long a part waits to be full. */
const gatherMs = 20;
const lookMs = 2000;

type PartImage = SyncPart["images"][number];

interface Waiting {
  readonly image: PartImage;
  readonly ended: (end: ImageEnd) => void;
}

/** Brings images by parts that any worker takes from the queue. */
export function handOn(handing: HandingOn): BringElsewhere {
  const gathered = new Gathered(handing);
  return async (image, rule, { signal }) =>
    await gathered.add(asPartImage(image, rule, handing), signal);
}

function asPartImage({ from, to }: SyncImage, rule: MirrorRule, { rules }: HandingOn): PartImage {
  return {
    rule: rules.indexOf(rule),
    from: formatImageReference(from.reference),
    to: formatImageReference(to.reference),
  };
}

class Gathered {
  readonly #handing: HandingOn;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(handing: HandingOn) {
    this.#handing = handing;
  }

  add(image: PartImage, signal: AbortSignal): Promise<ImageEnd> {
    const { promise, resolve } = Promise.withResolvers<ImageEnd>();
    this.#waiting.push({ image, ended: resolve });
    if (this.#waiting.length >= imagesInPart) this.#send(signal);
    else this.#timer ??= setTimeout(() => this.#send(signal), gatherMs);
    return promise;
  }

  #send(signal: AbortSignal): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const part = this.#waiting;
    this.#waiting = [];
    void bringPart(
      this.#handing,
      part.map(({ image }) => image),
      signal,
    ).then((ends) => {
      for (const [index, { ended }] of part.entries()) ended(ends[index] ?? stopped);
    });
  }
}

const nothing = { bytesMoved: 0, bytesSpared: 0, ms: 0, retries: 0 };
const stopped: ImageEnd = { outcome: { type: "stopped" }, figures: nothing };

/** Never rejects: what goes wrong is how its images ended. */
async function bringPart(
  handing: HandingOn,
  images: readonly PartImage[],
  signal: AbortSignal,
): Promise<readonly ImageEnd[]> {
  const { desk, job: of, owner, request } = handing;
  try {
    signal.throwIfAborted();
    const part: SyncPart = { of, images };
    const { job } = await submitJob(desk, { owner, request: { ...request, part } });
    return await endsOf(handing, job.id, images, signal);
  } catch (error) {
    if (signal.aborted) return images.map(() => stopped);
    handing.mayPass();
    return images.map(() => failed("job.queue-unreachable", error));
  }
}

async function endsOf(
  { desk, tell, mayPass }: HandingOn,
  id: string,
  images: readonly PartImage[],
  signal: AbortSignal,
): Promise<readonly ImageEnd[]> {
  try {
    for (;;) {
      for await (const { event } of desk.ledger.watch(id, 0, { signal })) {
        if (event.type === "blob") tell(event);
      }
      signal.throwIfAborted();
      const job = await desk.ledger.get(id);
      if (!job || hasEnded(job.state)) return endsIn(job, images, mayPass);
      await pause(lookMs, undefined, { signal }); // its story broke off
    }
  } finally {
    if (signal.aborted) await cancelJob(desk, id).catch(() => undefined);
  }
}

function endsIn(
  job: Job | undefined,
  images: readonly PartImage[],
  mayPass: () => void,
): readonly ImageEnd[] {
  const result = job?.result?.kind === "sync" ? job.result : undefined;
  if (!result || result.mayPass) mayPass();
  if (result?.ends?.length === images.length) return result.ends;
  const { code = "job.worker-lost", message = "no worker did it" } = job?.failure ?? {};
  return images.map(() => failed(code, message));
}

function failed(code: string, why: unknown): ImageEnd {
  const message = why instanceof Error ? why.message : String(why);
  return { outcome: { type: "failed", code, message, refused: false }, figures: nothing };
}
