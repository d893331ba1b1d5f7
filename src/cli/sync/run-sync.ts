import { fileErrorText } from "../../config/load-file.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { SyncSummary } from "../../sync/events.ts";
import { SyncReport } from "../../sync/report.ts";
import { runMirror } from "../../sync/run-mirror.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { clock } from "../clock.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import type { Traffic } from "../parts.ts";
import { DigestFile } from "./digest-file.ts";
import { Failures } from "./failures.ts";
import { type RunWish, runParts } from "./mirror-parts.ts";
import { openView, type SyncView } from "./view.ts";

/** A mirror, and what is particular to its run. */
export type SyncJob = Omit<RunWish, "report" | "failed">;

/** What shows and records a run; to be opened before anything is asked for, since its flags may be wrong. */
export interface SyncOutput extends AsyncDisposable {
  readonly view: SyncView;
  /** What former runs made of what they changed. */
  readonly state: SyncState | undefined;
  readonly report: SyncReport | undefined;
  readonly digests: DigestFile | undefined;
}

/** @throws {UsageError} `usage.bad-flag`; {CliError} `cli.unwritable`; {SyncError} `sync.busy`, `sync.bad-state` */
export async function openOutput(context: CommandContext): Promise<SyncOutput> {
  const { flags } = context;
  const view = await openView(context);
  await using opened = new AsyncDisposableStack();
  const open = <T extends Disposable>(path: string, make: (path: string) => T) =>
    path === "" ? undefined : opened.use(make(path));
  const state = opened.use(await openState(context)); // first: another run that has it has the report, too
  const report = open(flags.string("report"), (path) => openReport(path, flags, state));
  const digestFile = flags.bool("dry-run") ? "" : flags.string("digestfile");
  const digests = open(digestFile, (path) => new DigestFile(path));
  const kept = opened.move();
  return { view, state, report, digests, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * Runs a mirror, shows how it goes, and sums it up.
 *
 * @throws {CliError} `cli.mirror-incomplete` where not all is as it should be; the signal's reason
 */
export async function runSync(
  context: CommandContext,
  job: SyncJob,
  { view, state, report, digests }: SyncOutput,
): Promise<void> {
  const failures = new Failures();
  const parts = runParts(context, {
    ...job,
    ...(state && { state }),
    failed: (item, error) => failures.keep(item, error),
    report(event) {
      failures.note(event);
      view.note(event, failures.hintOf(event));
      report?.note(event);
      if (event.type === "image-ended" && "digest" in event.outcome && event.outcome.digest)
        digests?.note(event.outcome.digest, formatImageReference(event.item.to));
    },
  });
  let summary: Awaited<ReturnType<typeof runMirror>>;
  try {
    summary = await runMirror(job.mirror, parts);
  } catch (error) {
    await view.close(undefined);
    throw error;
  }
  const traffic = (await context.parts()).traffic();
  const { sentences } = failures;
  await view.close({ summary, traffic, isDryRun: parts.dryRun, failures: sentences });
  endReport(report, summary, traffic);
  digests?.end();
  if (context.signal.aborted) tellInterruption(context);
  const failure = failures.failure(summary);
  if (failure) throw failure;
}

/** A dry run leaves it as it is. @throws {SyncError} `sync.busy`, `sync.bad-state` */
async function openState({ flags, log, signal }: CommandContext): Promise<SyncState | undefined> {
  const path = flags.string("state");
  if (path === "" || flags.bool("dry-run")) return undefined;
  const { openSyncState } = await import("../../sync/sync-state.ts");
  return await openSyncState(path, { signal, onWarning: (text) => log.warning(text) });
}

/** With a state, what is begun anew is a mirror and not a run: one that was broken off is told of to its end. */
function openReport(
  path: string,
  flags: CommandContext["flags"],
  state: SyncState | undefined,
): SyncReport {
  const mode = state ? "resume" : "new";
  try {
    return new SyncReport(path, { mode, dryRun: flags.bool("dry-run"), now: clock.now });
  } catch (error) {
    throw unwritable(fileErrorText(error, "open", path), error);
  }
}

function endReport(
  report: SyncReport | undefined,
  summary: SyncSummary,
  { requests, retries }: Traffic,
): void {
  try {
    report?.end(summary, { requests, retries });
  } catch (error) {
    throw unwritable(error instanceof Error ? error.message : String(error), error);
  }
}

function unwritable(why: string, cause: unknown): CliError {
  return new CliError("cli.unwritable", `Cannot write the report: ${why}`, { cause });
}

function tellInterruption({ log, signal }: CommandContext): void {
  log.warning(
    "Stopped before the end; run it again to go on: what is there already is not copied again",
  );
  signal.throwIfAborted();
}
