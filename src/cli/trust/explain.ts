import type { CommandContext } from "../context.ts";
import { explanation } from "./explanation.ts";
import { judge } from "./judge.ts";

/** `trust explain IMAGE`: the whole decision, whichever way it went. */
export async function explain(context: CommandContext): Promise<void> {
  const { flags, log, terminal } = context;
  const judgement = await judge(context);
  if (flags.bool("json") || log.isJson)
    return await terminal.out(`${JSON.stringify(judgement, undefined, 4)}\n`);
  const texts = judgement.images.map(({ platform, verdict }) => [
    ...(platform === undefined ? [] : [`Platform  ${platform}`]),
    ...explanation(verdict),
  ]);
  await terminal.out(`${texts.map((lines) => lines.join("\n")).join("\n\n")}\n`);
}
