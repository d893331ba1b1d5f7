import type { Gate } from "../../../policy/gate.ts";
import type { FoundImage } from "../../sync/ends.ts";
import { createLocalCoordinator } from "../../sync/local-coordinator.ts";
import { clock } from "../clock.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { findByWords } from "./by-words.ts";
import { hostLimits } from "./host-limits.ts";
import { NewFolders } from "./new-folders.ts";
import { type CopyPlan, planCopies } from "./plan-copies.ts";
import { openOutput, runSync } from "./run-sync.ts";
import { wordsRule } from "./skopeo-run.ts";
import { ruleWithFlags } from "./sync-options.ts";
import { onlyTroubles } from "./tell.ts";

/** Skopeo's words as a mirror of one rule, with all that a mirror can do. */
export async function syncWordsAsMirror(
  context: CommandContext,
  gate: Gate,
  [from, to]: readonly [string, string],
): Promise<void> {
  const { flags, globals, log, signal } = context;
  await using coordinator = createLocalCoordinator(hostLimits(flags, new Map()), clock);
  const found = await findByWords(context, from, to, { tell: onlyTroubles(log), coordinator });
  const { words, listing, end, options } = found;
  const rule = ruleWithFlags(context, wordsRule(options, from));
  await using signing = await openSigning(context);
  const plan = await planCopies(listing.sources, words.to, { ...context, end });
  await using output = await openOutput(context); // what is wrong by now leaves the last run's report as it is
  await using folders = new NewFolders();
  const { retryTimes } = endSettings(flags, globals, "dest-");
  await runSync(
    context,
    {
      mirror: { rules: [rule] },
      gate,
      signing,
      coordinator,
      retries: retryTimes,
      dryRun: flags.bool("dry-run"),
      keepGoing: flags.bool("keep-going"),
      enumerate: (_, { report }) => {
        const taken = plan.count;
        report({ type: "listed", rule: rule.name, what: from, found: taken, taken });
        return imagesOf(plan, folders, (text) => end.resolve(text, "destination", { signal }));
      },
    },
    output,
  );
  if (listing.isIncomplete)
    throw new CliError("cli.mirror-incomplete", "Not all was brought: some could not be listed");
}

async function* imagesOf(
  plan: CopyPlan,
  folders: NewFolders,
  resolve: (text: string) => Promise<FoundImage["to"]>,
): AsyncGenerator<FoundImage> {
  for await (const { from, to, read } of plan.copies("once")) {
    if (to.startsWith("dir:")) await folders.makeFor(to.slice("dir:".length));
    yield { from, to: read ?? (await resolve(to)) };
  }
}
