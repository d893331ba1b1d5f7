import type { Gate } from "../../../policy/gate.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp, withPrefix } from "../errors.ts";

/** `sync`: skopeo's words, `--src T --dest T SOURCE DESTINATION`, or a specification of ours. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, log, program } = context;
  const [first, second] = args;
  const hasWords = flags.changed("src") || flags.changed("dest");
  if (program === "amphora" && first !== undefined && args.length <= 2 && !hasWords) {
    const { syncByDocument } = await import("../sync/by-document.ts");
    return await syncByDocument(context, await gateOf(context), first, second);
  }
  if (first === undefined || second === undefined || args.length !== 2)
    throw new UsageWithHelp(
      program === "skopeo" || hasWords
        ? "Exactly two arguments expected"
        : "Expected a file, or --src, --dest, a source and a destination",
    );
  if (flags.changed("tls-verify")) {
    log.warning("'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify");
  }
  const gate = await gateOf(context);
  if (program === "skopeo") {
    const { syncAsSkopeo } = await import("../sync/by-words.ts");
    return await syncAsSkopeo(context, gate, [first, second]);
  }
  const { syncWordsAsMirror } = await import("../sync/words-as-mirror.ts");
  return await syncWordsAsMirror(context, gate, [first, second]);
}

async function gateOf(context: CommandContext): Promise<Gate> {
  const parts = await context.parts();
  return await withPrefix("Error loading trust policy", () => parts.gate());
}
