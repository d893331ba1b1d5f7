import { UsageError } from "../../core/errors.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp } from "../errors.ts";
import type { WorkerFlags } from "../jobs/run-worker.ts";
import { keepHeapSteady } from "../steady-heap.ts";

const mostSlots = 256;

/** `worker`: runs until SIGTERM or SIGINT. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags } = context;
  if (args.length > 0) throw new UsageWithHelp("No arguments expected");
  const slots = flags.changed("slots") ? flags.number("slots") : undefined;
  if (slots !== undefined && (!Number.isInteger(slots) || slots < 1 || slots > mostSlots))
    throw new UsageError(
      "usage.bad-flag",
      `--slots: expected a whole number from 1 to ${mostSlots}`,
    );
  await keepWorking(context, {
    slots,
    name: flags.string("name") || undefined,
    serverUrl: flags.string("server-url") || undefined,
    untilStdinEnds: flags.bool("until-stdin-ends"),
  });
}

/**
 * After SIGHUP, when its jobs have ended, it goes on by the configuration as it is then; a server's own ends instead, since
 * another has begun.
 */
async function keepWorking(context: CommandContext, words: WorkerFlags): Promise<void> {
  keepHeapSteady();
  const { workUntilEnded } = await import("../jobs/run-worker.ts");
  let settings = await load(context);
  let hangUp = new AbortController();
  process.on("SIGHUP", () => hangUp.abort());
  for (;;) {
    await workUntilEnded(context, settings, { ...words, leaving: hangUp.signal });
    if (!hangUp.signal.aborted || words.untilStdinEnds || context.signal.aborted) return;
    hangUp = new AbortController();
    settings = await load(context).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      context.log.error(`configuration not changed: ${why}`);
      return settings;
    });
  }
}

async function load({ flags }: CommandContext): Promise<ServerSettings> {
  const { loadSettings } = await import("../serve/load-settings.ts");
  const { loadEnvironment } = await import("../../config/load-environment.ts");
  const config = flags.optionalString("config") || undefined;
  const data = flags.optionalString("data") || undefined;
  const words = { ...(config !== undefined && { config }), ...(data !== undefined && { data }) };
  return (await loadSettings(words, loadEnvironment())).settings;
}
