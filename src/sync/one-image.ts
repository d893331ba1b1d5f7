import { PolicyError } from "../../policy/errors.ts";
import { type CopyJob, type CopyResult, performCopy } from "../copy/copy.ts";
import { type DryRun, dryRun } from "../copy/dry-run.ts";
import type { Digest } from "../core/digest.ts";
import { KnownError } from "../core/errors.ts";
import { checkRoom, wantsCompanions } from "./companions/room.ts";
import { CopyFigures } from "./copy-figures.ts";
import type { SyncFigures, SyncOutcome } from "./events.ts";
import { isRaced } from "./existing.ts";
import type { FreeNames } from "./free-names.ts";
import { type ImageBackup, imageBackup } from "./image-backup.ts";
import { madeBefore, noteMade } from "./made.ts";
import type { MirrorRule } from "./mirror.ts";
import type { Outages, PatientWork } from "./outages.ts";
import type { Existing, MirrorParts, SyncImage } from "./parts.ts";
import { isTriedAgain } from "./try-again.ts";

/** How one image came out, and what it took. */
export interface ImageEnd {
  readonly outcome: SyncOutcome;
  readonly source?: Digest;
  readonly figures: SyncFigures;
}

/** What the images of a run share. */
export interface RunParts extends MirrorParts {
  readonly freeNames: FreeNames;
  readonly outages: Outages;
}

interface Ended {
  readonly outcome: SyncOutcome;
  readonly source?: Digest;
}

/**
 * Brings one image up to date, and what belongs to it. A foreseen failure is an outcome; a bug is thrown.
 *
 * @param parts whose signal calls it off
 */
export async function mirrorImage(
  image: SyncImage,
  rule: MirrorRule,
  parts: RunParts,
): Promise<ImageEnd> {
  const { clock, signal } = parts;
  const figures = new CopyFigures();
  const since = clock.now();
  using patience = parts.outages.begin();
  for (let tried = 1; ; tried++) {
    try {
      const ended = await tryOnce(image, rule, parts, figures);
      patience.ended();
      return { ...ended, figures: figures.after(clock.now() - since) };
    } catch (error) {
      if (await isAgain(error, { image, tried, patience }, parts)) {
        figures.retries++;
        continue;
      }
      patience.ended(error);
      const outcome = outcomeOf(error, signal);
      if (outcome.type === "failed") parts.failed?.(image.item, error as KnownError);
      return { outcome, figures: figures.after(clock.now() - since) };
    }
  }
}

async function tryOnce(
  image: SyncImage,
  rule: MirrorRule,
  parts: RunParts,
  figures: CopyFigures,
): Promise<Ended> {
  const { steps, report, signal } = parts;
  signal.throwIfAborted();
  checkRoom(image, rule.companions);
  const existing = await steps.lookAtExisting(rule.existing, image, { signal, copy: rule.copy });
  if (existing.type === "left") return { outcome: existing };
  const backup = imageBackup(image, rule, existing);
  const job = { ...jobOf(image, rule, parts, figures), ...keeping(backup) };
  if (parts.dryRun) return await wouldBring(image, rule, parts, job);
  const result = await copyInto(image, job, existing, parts);
  if (result === "raced") return { outcome: { type: "left", why: "if-absent", raced: true } };
  noteMade(image, rule, parts, result);
  parts.freeNames.note(image.to, result, { signal });
  if (wantsCompanions(rule.companions)) {
    const { instances } = result;
    const options = { report, signal, dryRun: false, parts, ...(instances && { instances }) };
    await steps.copyCompanions(image, result.digest, rule.companions, options);
  }
  return { outcome: copied(result, backup), source: result.source };
}

function keeping(backup: ImageBackup | undefined): Pick<CopyJob, "keepReplaced"> {
  return backup ? { keepReplaced: backup.keepReplaced } : {};
}

/** Tells also what belongs to it: to the index that would be there, and to images that would be as they are. */
async function wouldBring(
  image: SyncImage,
  { companions }: MirrorRule,
  parts: RunParts,
  job: CopyJob,
): Promise<Ended> {
  const plan = await dryRun(job);
  const { digest, images } = plan;
  const kept = images.flatMap((each) => (each.kept ? [each.digest] : []));
  const [first, ...instances] = digest === undefined ? kept : [digest, ...kept];
  if (first !== undefined && wantsCompanions(companions)) {
    const { report, signal } = parts;
    const options = { report, signal, dryRun: true, parts, instances };
    await parts.steps.copyCompanions(image, first, companions, options);
  }
  return wouldCopy(plan, job);
}

/** Copies it, unless another image has got the name meanwhile that this one was to have. */
async function copyInto(
  image: SyncImage,
  job: CopyJob,
  { mayReplace, onlyIfFree, raced }: Extract<Existing, { readonly type: "go-on" }>,
  { freeNames }: RunParts,
): Promise<CopyResult | "raced"> {
  const isFree = onlyIfFree === "known" || (!mayReplace && freeNames.isFree(image.to));
  try {
    return await performCopy({
      ...job,
      expects: isFree ? "nothing" : "same",
      ...(onlyIfFree && { onlyIfFree: true }),
      ...(mayReplace && { mayReplace }),
    });
  } catch (error) {
    if (raced === undefined || !isRaced(error)) throw error;
    if (raced === "if-absent") return "raced";
    throw raced;
  }
}

function jobOf(
  { item, from, to }: SyncImage,
  rule: MirrorRule,
  parts: MirrorParts,
  figures: CopyFigures,
): CopyJob {
  const { gate, transfers, compression, signing, signal, tellLayers, report } = parts;
  return {
    from,
    to,
    gate,
    transfers,
    compression,
    options: rule.copy,
    signal,
    tellLayers: tellLayers ?? false,
    report: (event) => {
      figures.note(event);
      report({ type: "image-event", item, event });
    },
    ...(signing && { signing }),
    ...madeBefore(to, rule.copy, parts),
  };
}

function copied(result: CopyResult, backup?: ImageBackup): SyncOutcome {
  const { digest, previous, unchanged, mended = false } = result;
  if (unchanged || (previous === digest && !mended)) return { type: "unchanged", digest };
  return { type: "copied", digest, ...(previous !== undefined && { previous }), ...backup?.made() };
}

function wouldCopy({ nothingToDo, source, digest, images, held }: DryRun, job: CopyJob): Ended {
  if (nothingToDo && held) return { outcome: { type: "unchanged", digest: held }, source };
  const layers = new Map(
    images.flatMap(({ layers }) => layers.map((one) => [one.digest, one.size])),
  );
  const bytes = [...layers.values()].reduce((sum, size) => sum + Math.max(0, size), 0);
  const backup = held && job.keepReplaced?.nameOf(held);
  return {
    source,
    outcome: {
      type: "would-copy",
      bytes,
      ...(digest && { digest }),
      ...(held && backup !== undefined && { previous: held, backup }),
    },
  };
}

interface Tried {
  readonly image: SyncImage;
  readonly tried: number;
  readonly patience: PatientWork;
}

/** Tells of it and waits, where the failure may pass. */
async function isAgain(
  error: unknown,
  { image: { item }, tried, patience }: Tried,
  parts: RunParts,
): Promise<boolean> {
  if (!(error instanceof KnownError)) return false;
  const { message } = error;
  const { retries: of, report } = parts;
  return await isTriedAgain({ error, tried, patience }, parts, (delayMs) =>
    report({ type: "image-retrying", item, attempt: tried, of, delayMs, message }),
  );
}

function outcomeOf(error: unknown, signal: AbortSignal): SyncOutcome {
  if (signal.aborted) return { type: "stopped" };
  if (!(error instanceof KnownError)) throw error;
  const { code, message } = error;
  return { type: "failed", code, message, refused: isRefusal(error) };
}

/** Whether the policy said no, however deep that stands. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof PolicyError && cause.code === "policy.refused") return true;
  }
  return false;
}
