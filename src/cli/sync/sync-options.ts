import type { CopyOptions } from "../../copy/options.ts";
import { UsageError } from "../../core/errors.ts";
import { parsePlatform } from "../../core/platform.ts";
import type { Companions, MirrorRule, PruneRule } from "../../sync/mirror.ts";
import { manifestTypeOf } from "../commands/copy-options.ts";
import type { CommandContext } from "../context.ts";

/** What the flags ask of every copy. @throws {UsageError} `usage.bad-flag` */
export function copyOptionsOf(
  context: CommandContext,
  platform: CopyOptions["platform"],
): CopyOptions {
  const { flags } = context;
  const manifestType = manifestTypeOf(flags.optionalString("format"));
  return {
    select: selectionOf(context) ?? { type: "system" },
    platform,
    preserveDigests: flags.bool("preserve-digests"),
    removeSignatures: flags.bool("remove-signatures"),
    compression: { force: false },
    ...(manifestType !== undefined && { manifestType }),
  };
}

/** A rule, with what the flags say over what it says itself. @throws {UsageError} `usage.bad-flag` */
export function ruleWithFlags(context: CommandContext, rule: MirrorRule): MirrorRule {
  const { flags } = context;
  const select = selectionOf(context);
  const manifestType = manifestTypeOf(flags.optionalString("format"));
  return {
    ...rule,
    copy: {
      ...rule.copy,
      ...(select && { select }),
      ...(manifestType !== undefined && { manifestType }),
      ...(flags.changed("preserve-digests") && { preserveDigests: flags.bool("preserve-digests") }),
      ...(flags.changed("remove-signatures") && {
        removeSignatures: flags.bool("remove-signatures"),
      }),
    },
    companions: companionsOf(context, rule.companions),
    existing: flags.bool("if-absent") ? { kind: "if-absent" } : rule.existing,
    prune: pruneOf(context, rule.prune),
  };
}

function selectionOf({ flags, program }: CommandContext): CopyOptions["select"] | undefined {
  const platforms = program === "skopeo" ? [] : flags.strings("platform");
  if (platforms.length === 0) return flags.bool("all") ? { type: "all" } : undefined;
  if (flags.bool("all")) throw bad("Cannot use --platform together with --all");
  return { type: "platforms", platforms: platforms.map(parsePlatform) };
}

function companionsOf({ flags }: CommandContext, before: Companions): Companions {
  const wish = flags.string("referrers");
  const types = wish === "" || wish === "all" || wish === "none" ? undefined : wish.split(",");
  return {
    referrers: types ?? ((wish || before.referrers) as Companions["referrers"]),
    digestTags: flags.changed("digest-tags") ? flags.bool("digest-tags") : before.digestTags,
  };
}

/** What is removed where only `--prune` says so. */
const carefully: PruneRule = { dryRun: false, threshold: 0.2, alwaysUpTo: 1, only: [] };

function pruneOf({ flags }: CommandContext, before: PruneRule | undefined): PruneRule | undefined {
  if (flags.bool("prune") && flags.bool("no-prune"))
    throw bad("Cannot use --prune together with --no-prune");
  if (flags.bool("no-prune")) return undefined;
  return flags.bool("prune") ? (before ?? carefully) : before;
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
