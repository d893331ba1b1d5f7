import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp } from "../errors.ts";
import { type FaceName, faceNames } from "../serve/face-names.ts";

/** `serve` and `lookaside`: runs until SIGTERM or SIGINT. */
export async function run(context: CommandContext): Promise<void> {
  if (context.args.length > 0) throw new UsageWithHelp("No arguments expected");
  const { flags } = context;
  const { loadSettings } = await import("../serve/load-settings.ts");
  const { loadEnvironment } = await import("../../config/load-environment.ts");
  const only = onlyFace(context);
  const config = flags.optionalString("config") || undefined;
  const data = flags.optionalString("data") || undefined;
  const load = () =>
    loadSettings(
      {
        listen: flags.strings("listen"),
        ...(config !== undefined && { config }),
        ...(data !== undefined && { data }),
      },
      loadEnvironment(),
    );
  const loaded = await load();
  for (const name of loaded.unusedVariables)
    context.log.warning(`${name} sets nothing that there is`);
  if (flags.bool("check-config")) {
    return await context.terminal.out(`${loaded.file ?? "no file, the defaults"}: good\n`);
  }
  const { serve } = await import("../serve/serve.ts");
  await serve(context, load, only);
}

function onlyFace({ flags, path }: CommandContext): FaceName | undefined {
  if (path[0]?.name === "lookaside") return "signatures";
  const text = flags.string("only");
  if (text === "" && !flags.changed("only")) return undefined;
  const face = faceNames.find((name) => name === text);
  if (face) return face;
  throw new UsageError(
    "usage.bad-flag",
    `"${text}" is no face: choose one of ${faceNames.join(", ")}`,
  );
}
