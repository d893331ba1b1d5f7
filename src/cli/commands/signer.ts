import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp } from "../errors.ts";

/** `signer`: runs until SIGTERM or SIGINT. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags } = context;
  if (args.length > 0) throw new UsageWithHelp("No arguments expected");
  const { loadSettings } = await import("../serve/load-settings.ts");
  const { loadEnvironment } = await import("../../config/load-environment.ts");
  const config = flags.optionalString("config") || undefined;
  const data = flags.optionalString("data") || undefined;
  const { settings } = await loadSettings(
    { ...(config !== undefined && { config }), ...(data !== undefined && { data }) },
    loadEnvironment(),
  );
  if (!settings.signing)
    throw new UsageError("usage.bad-flag", "the configuration has no section signing");
  const { runSigner } = await import("../serve/run-signer.ts");
  await runSigner(context, settings, settings.signing, {
    ...(flags.string("socket") !== "" && { socket: flags.string("socket") }),
    ...(flags.string("log") !== "" && { log: flags.string("log") }),
    untilStdinEnds: flags.bool("until-stdin-ends"),
  });
}
