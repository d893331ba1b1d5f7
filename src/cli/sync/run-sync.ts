import { formatImageReference } from "../../core/image-reference.ts";
import type { Mirror } from "../../sync/mirror.ts";
import { runMirror } from "../../sync/run-mirror.ts";
import type { CommandContext } from "../context.ts";
import { DigestFile } from "./digest-file.ts";
import { Failures } from "./failures.ts";
import { type RunWish, runParts } from "./mirror-parts.ts";
import { ReportFile } from "./report-file.ts";
import { openView, type SyncView } from "./view.ts";

/** A mirror, and what is particular to its run. */
export interface SyncJob extends Omit<RunWish, "report" | "failed"> {
  readonly mirror: Mirror;
}

/** What shows and records a run; to be opened before anything is asked for, since its flags may be wrong. */
export interface SyncOutput extends Disposable {
  readonly view: SyncView;
  readonly report: ReportFile | undefined;
  readonly digests: DigestFile | undefined;
}

/** @throws {UsageError} `usage.bad-flag`; {CliError} `cli.unwritable` */
export async function openOutput(context: CommandContext): Promise<SyncOutput> {
  const { flags } = context;
  const view = await openView(context);
  using opened = new DisposableStack();
  const open = <T extends Disposable>(path: string, make: (path: string) => T) =>
    path === "" ? undefined : opened.use(make(path));
  const report = open(flags.string("report"), (path) => new ReportFile(path));
  const digestFile = flags.bool("dry-run") ? "" : flags.string("digestfile");
  const digests = open(digestFile, (path) => new DigestFile(path));
  const kept = opened.move();
  return { view, report, digests, [Symbol.dispose]: () => kept.dispose() };
}

/**
 * Runs a mirror, shows how it goes, and sums it up.
 *
 * @throws {CliError} `cli.mirror-incomplete` where not all is as it should be; the signal's reason
 */
export async function runSync(
  context: CommandContext,
  { mirror, ...wish }: SyncJob,
  { view, report, digests }: SyncOutput,
): Promise<void> {
  const failures = new Failures();
  const parts = runParts(context, {
    ...wish,
    failed: (item, error) => failures.keep(item, error),
    report(event) {
      view.note(event, failures.hintOf(event));
      report?.note(event);
      if (event.type === "image-ended" && "digest" in event.outcome && event.outcome.digest)
        digests?.note(event.outcome.digest, formatImageReference(event.item.to));
    },
  });
  let summary: Awaited<ReturnType<typeof runMirror>>;
  try {
    summary = await runMirror(mirror, parts);
  } catch (error) {
    await view.close(undefined);
    throw error;
  }
  const traffic = (await context.parts()).traffic();
  await view.close({ summary, traffic, isDryRun: parts.dryRun });
  report?.end(summary, traffic);
  digests?.end();
  if (context.signal.aborted) tellInterruption(context);
  const failure = failures.failure(summary);
  if (failure) throw failure;
}

function tellInterruption({ log, signal }: CommandContext): void {
  log.warning(
    "Stopped before the end; run it again to go on: what is there already is not copied again",
  );
  signal.throwIfAborted();
}
