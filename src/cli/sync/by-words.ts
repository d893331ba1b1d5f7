import type { Gate } from "../../../policy/gate.ts";
import type { CopyOptions } from "../../copy/options.ts";
import type { Coordinator } from "../../sync/coordinator.ts";
import { createLocalCoordinator } from "../../sync/local-coordinator.ts";
import { clock } from "../clock.ts";
import type { CommandContext } from "../context.ts";
import type { End } from "../parts.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { DigestFile } from "./digest-file.ts";
import { incomplete, listSources } from "./list-sources.ts";
import { requestsAtOnce } from "./mirror-parts.ts";
import { type CopyPlan, nameOf, planCopies } from "./plan-copies.ts";
import { type CopiesJob, runCopies, type Synced } from "./skopeo-run.ts";
import type { Listing } from "./sources.ts";
import { copyOptionsOf } from "./sync-options.ts";
import type { TellSync } from "./tell.ts";
import { readWords, type SyncWords } from "./words.ts";

/** What skopeo's words came to. */
export interface FoundByWords {
  readonly words: SyncWords;
  readonly listing: Listing;
  /** Of the destination. */
  readonly end: End;
  readonly options: CopyOptions;
}

/** Reads the words and finds what they ask for, step by step in skopeo's order. */
export async function findByWords(
  context: CommandContext,
  from: string,
  to: string,
  { tell, coordinator }: { readonly tell: TellSync; readonly coordinator: Coordinator },
): Promise<FoundByWords> {
  const { flags, globals } = context;
  const parts = await context.parts();
  const words = readWords(context, from, to);
  const settings = { ...endSettings(flags, globals, "src-"), requestsAtOnce };
  const writing = { ...endSettings(flags, globals, "dest-"), requestsAtOnce };
  const end = parts.end(writing, undefined, coordinator);
  end.catch(() => {}); // told of when its turn comes
  if (!flags.bool("dry-run")) expectDestination(end, words, context.signal);
  const listing = await withRetries(context, settings, () =>
    listSources(context, words, { settings, coordinator }, tell),
  );
  return { words, listing, end: await end, options: copyOptionsOf(context, parts.platform) };
}

/** Makes contact with the destination's registry while the source is still listed. What fails is told when it is written to. */
function expectDestination(opening: Promise<End>, { from, to }: SyncWords, signal: AbortSignal) {
  if (from.transport !== "docker" || to.transport !== "docker") return;
  const expect = async () => {
    const end = await opening;
    const name = `docker://${nameOf(from.text, to)}`; // of one image or all: the host is the same
    const { transport, reference } = await end.resolve(name, "destination", { signal });
    await transport.expectDestination?.(reference);
  };
  expect().catch(() => {});
}

/** `skopeo sync --src T --dest T SOURCE DESTINATION`, in skopeo's lines. */
export async function syncAsSkopeo(
  context: CommandContext,
  gate: Gate,
  [from, to]: readonly [string, string],
): Promise<void> {
  const { flags, log } = context;
  await using coordinator = createLocalCoordinator(() => ({}), clock);
  const found = await findByWords(context, from, to, { tell: log, coordinator });
  const { words, listing, end, options } = found;
  await using signing = await openSigning(context);
  const isDryRun = flags.bool("dry-run");
  if (isDryRun) log.warning("Running in dry-run mode");
  using digests = isDryRun ? undefined : openDigestFile(context);
  const plan = await planCopies(listing.sources, words.to, { ...context, end });
  const job: CopiesJob = { plan, end, gate, options, signing, digests };
  const synced = isDryRun ? await tellPlan(context, plan) : await runCopies(context, job);
  const did = isDryRun ? "Would have synced" : "Synced";
  log.info(`${did} ${synced.images} images from ${listing.sources.length} sources`);
  if (listing.isIncomplete || synced.isIncomplete) throw incomplete();
}

function openDigestFile({ flags }: CommandContext): DigestFile | undefined {
  const path = flags.string("digestfile");
  return path === "" ? undefined : new DigestFile(path);
}

async function tellPlan({ log }: CommandContext, plan: CopyPlan): Promise<Synced> {
  for await (const { position, of, shown } of plan.copies("every"))
    log.info(`Would have copied image ref ${position}/${of}`, { ...shown });
  return { images: plan.count, isIncomplete: false };
}
