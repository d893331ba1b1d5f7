import type { CopyEnd } from "../../copy/copy.ts";
import { createTransfers } from "../../copy/transfers.ts";
import type { Platform } from "../../core/platform.ts";
import { JobError } from "../../jobs/errors.ts";
import type { JobRequest, JobResult } from "../../jobs/job.ts";
import { namedMirror } from "../../jobs/job-request.ts";
import type { PartialResult } from "../../jobs/worker.ts";
import { readSpecification } from "../../server/jobs/check-specification.ts";
import { Compression } from "../../stream/recompress.ts";
import { createSteps } from "../../sync/default-steps.ts";
import type { MirrorEnds } from "../../sync/ends.ts";
import type { SyncEvent, SyncSummary } from "../../sync/events.ts";
import type { MirrorRule } from "../../sync/mirror.ts";
import type { MirrorDocument } from "../../sync/parse-mirror.ts";
import type { BringElsewhere } from "../../sync/parts.ts";
import { runMirror } from "../../sync/run-mirror.ts";
import { clock } from "../clock.ts";
import type { End } from "../parts.ts";
import { NewFolders, pathOfPlace } from "../sync/new-folders.ts";
import { handOn } from "./hand-on.ts";
import { checkFolder, checkNewFolder, type JobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";

const imagesAtOnce = 16;
/** Images that are handed on and have not ended. */
const handedAtOnce = 512;
/** Blobs under way at once in one process. */
export const transfersAtOnce = 16;
/** Of an image; the job itself may be tried again, too. */
export const retries = 2;

/** Runs a mirror of the settings, or one that came with the job. What failed is a failure, however much went well. */
export async function performSync(
  request: JobRequest & { readonly kind: "sync" },
  parts: PerformParts & { readonly ends: JobEnds },
  context: PerformContext,
): Promise<JobResult | PartialResult> {
  const { ends, gate, coordinator } = parts;
  const { signal, story } = context;
  const document = await documentOf(request, parts, ends.parts.platform);
  const { mirror, keepGoing = true } = document;
  let mayPass = false;
  let refusal: string | undefined;
  await using folders = new NewFolders();
  const elsewhere = elsewhereFor(request, mirror.rules, context, () => {
    mayPass = true;
  });
  const parallel = document.parallel ?? (elsewhere ? handedAtOnce : imagesAtOnce);
  const summary = await runMirror(mirror, {
    ends: mirrorEndsOf(document, { ...parts, folders }, request),
    gate: gate.now(),
    transfers: createTransfers(transfersAtOnce, coordinator),
    compression: new Compression(),
    steps: createSteps(mirror),
    coordinator,
    clock,
    random: Math.random,
    signal,
    parallel,
    retries,
    keepGoing,
    dryRun: request.dryRun,
    ...(elsewhere && { elsewhere }),
    report: (event) => {
      mayPass ||= isOfRule(event) && event.retryable;
      refusal ??= refusalIn(event);
      story.tellSync(event);
    },
    failed: (_item, { retryable }) => {
      mayPass ||= retryable;
    },
  });
  signal.throwIfAborted();
  const result: JobResult = { kind: "sync", summary };
  const message = shortfall(summary);
  if (message === undefined) return result;
  const failure = {
    code: "sync.incomplete",
    message: refusal === undefined ? message : `${message} (${refusal})`,
    hint: "Look at the reasons that its events tell",
  };
  return { result, failure, retryable: mayPass };
}

/** Where several workers share a queue, all of them bring a mirror's images. */
function elsewhereFor(
  request: JobRequest & { readonly kind: "sync" },
  rules: readonly MirrorRule[],
  { handedOn, id, owner, story }: PerformContext,
  mayPass: () => void,
): BringElsewhere | undefined {
  if (!handedOn || request.dryRun) return undefined;
  const tell = story.tell.bind(story);
  return handOn({ desk: handedOn, job: id, owner, request, rules, tell, mayPass });
}

/** The specification that a job runs. @throws {JobError} `job.not-allowed` where there is none of that name */
export async function documentOf(
  request: JobRequest & { readonly kind: "sync" },
  { mirrors }: PerformParts,
  platform: Platform,
): Promise<MirrorDocument> {
  const name = namedMirror(request);
  if (name === undefined) return await readSpecification(request.mirror, platform);
  const document = mirrors.get(name);
  if (document) return document;
  throw new JobError("job.not-allowed", `there is no mirror "${name}" in the settings`);
}

/** What the ends of a mirror are made of. */
export interface MirrorEndsParts extends PerformParts {
  readonly ends: JobEnds;
  /** Those that images are to lie in are made. */
  readonly folders: NewFolders;
}

/** One end a name, for the whole run. What a job brings along is looked at again, now that all names are known. */
export function mirrorEndsOf(
  { hosts }: MirrorDocument,
  parts: MirrorEndsParts,
  request: JobRequest,
): MirrorEnds {
  const isNamed = namedMirror(request) !== undefined;
  const opened = new Map<string, Promise<End>>();
  return {
    async open(name) {
      const opening = opened.get(name) ?? parts.ends.openHost(hosts.get(name));
      opened.set(name, opening);
      const end = await opening;
      return {
        async resolve(text, as, options) {
          if (as === "destination") await makeFolder(text, parts, isNamed);
          const resolved = await end.resolve(text, as, options);
          if (!isNamed) checkResolved(resolved, parts);
          return resolved;
        },
      };
    },
  };
}

async function makeFolder(
  text: string,
  { folders, settings }: MirrorEndsParts,
  isNamed: boolean,
): Promise<void> {
  const path = pathOfPlace(text);
  if (path === undefined) return;
  if (!isNamed) checkNewFolder(path, settings.jobs.folders);
  await folders.makeFor(path);
}

function checkResolved(
  resolved: Pick<CopyEnd, "reference">,
  { settings, hosts }: MirrorEndsParts,
): void {
  const { transport, docker } = resolved.reference;
  if (transport !== "docker") checkFolder(resolved, settings.jobs.folders);
  else if (!docker || !hosts.mayName(docker.domain))
    throw new JobError("job.not-allowed", `no job may be about ${docker?.domain}`);
}

type RuleFailure = Extract<SyncEvent, { readonly type: "listing-failed" | "prune-failed" }>;

function isOfRule(event: SyncEvent): event is RuleFailure {
  return event.type === "listing-failed" || event.type === "prune-failed";
}

/** Why an image, or a place, was refused. */
function refusalIn(event: SyncEvent): string | undefined {
  if (isOfRule(event)) return event.code === "policy.refused" ? event.message : undefined;
  if (event.type !== "image-ended" || event.outcome.type !== "failed") return undefined;
  return event.outcome.refused ? event.outcome.message : undefined;
}

/** What a run did not do; undefined: it did all. */
function shortfall({ images, failed, stopped, failedRules }: SyncSummary): string | undefined {
  const parts = [
    ...(failed > 0 ? [`${failed} of ${counted(images, "image")} failed`] : []),
    ...(stopped > 0 ? [`${stopped} were not begun or called off`] : []),
    ...(failedRules > 0 ? [`${counted(failedRules, "place")} could not be listed or pruned`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
