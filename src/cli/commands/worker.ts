import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp } from "../errors.ts";

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
  const { loadSettings } = await import("../serve/load-settings.ts");
  const { loadEnvironment } = await import("../../config/load-environment.ts");
  const config = flags.optionalString("config") || undefined;
  const data = flags.optionalString("data") || undefined;
  const { settings } = await loadSettings(
    { ...(config !== undefined && { config }), ...(data !== undefined && { data }) },
    loadEnvironment(),
  );
  const { workUntilEnded } = await import("../jobs/run-worker.ts");
  await workUntilEnded(context, settings, {
    slots,
    name: flags.string("name") || undefined,
    serverUrl: flags.string("server-url") || undefined,
    untilStdinEnds: flags.bool("until-stdin-ends"),
  });
}
