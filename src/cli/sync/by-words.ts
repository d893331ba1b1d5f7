import type { CopyOptions } from "../../copy/options.ts";
import { manifestTypeOf } from "../commands/copy-options.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { runCopies } from "./copy-all.ts";
import { DigestFile } from "./digest-file.ts";
import { incomplete, listSources } from "./list-sources.ts";
import { type PlannedCopy, planCopies } from "./plan-copies.ts";
import { readWords } from "./words.ts";

/** `sync --src T --dest T SOURCE DESTINATION`, step by step in skopeo's order. */
export async function syncByWords(
  context: CommandContext,
  from: string,
  to: string,
): Promise<void> {
  const { flags, globals, log } = context;
  if (flags.changed("tls-verify")) {
    log.warning("'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify");
  }
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const words = readWords(context, from, to);
  const sourceSettings = endSettings(flags, globals, "src-");
  const listing = await withRetries(context, sourceSettings, () =>
    listSources(context, words, sourceSettings, log),
  );
  const end = await parts.end(endSettings(flags, globals, "dest-"));
  const options = syncOptions(context, parts.platform);
  await using signing = await openSigning(context);
  const isDryRun = flags.bool("dry-run");
  if (isDryRun) log.warning("Running in dry-run mode");
  using digests = openDigestFile(context, isDryRun);
  const copies = await planCopies(listing.sources, words.to, { ...context, end });
  const synced = isDryRun
    ? tellPlan(context, copies)
    : await runCopies(context, { copies, end, gate, options, signing, digests });
  const did = isDryRun ? "Would have synced" : "Synced";
  log.info(`${did} ${synced.images} images from ${listing.sources.length} sources`);
  if (listing.isIncomplete || synced.isIncomplete) throw incomplete();
}

function syncOptions({ flags }: CommandContext, platform: CopyOptions["platform"]): CopyOptions {
  const manifestType = manifestTypeOf(flags.optionalString("format"));
  return {
    select: { type: flags.bool("all") ? "all" : "system" },
    platform,
    preserveDigests: flags.bool("preserve-digests"),
    removeSignatures: flags.bool("remove-signatures"),
    compression: { force: false },
    ...(manifestType !== undefined && { manifestType }),
  };
}

function openDigestFile({ flags }: CommandContext, isDryRun: boolean): DigestFile | undefined {
  const path = flags.string("digestfile");
  return path === "" || isDryRun ? undefined : new DigestFile(path);
}

function tellPlan({ log }: CommandContext, copies: readonly PlannedCopy[]) {
  for (const { position, of, shown } of copies)
    log.info(`Would have copied image ref ${position}/${of}`, { ...shown });
  return { images: copies.length, isIncomplete: false };
}
