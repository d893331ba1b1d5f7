import { explainVerdict, verdictToJson } from "../../../policy/explain.ts";
import type { CommandContext } from "../context.ts";
import { type Judgement, judge } from "./judge.ts";

/** `trust explain IMAGE`: the whole decision, whichever way it went. */
export async function explain(context: CommandContext): Promise<void> {
  const { flags, log, terminal } = context;
  const judgement = await judge(context);
  const json = flags.bool("json") || log.isJson;
  await terminal.out(
    json
      ? `${JSON.stringify({ pinned: judgement.pinned, images: imagesAsJson(judgement) }, undefined, 4)}\n`
      : explanationOf(judgement),
  );
}

/** The decisions about one name for a person to read, one after the other. */
export function explanationOf({ images }: Judgement): string {
  return images
    .map(({ platform, verdict }) => {
      const heading = platform === undefined ? "" : `platform: ${platform}\n`;
      return heading + explainVerdict(verdict);
    })
    .join("\n");
}

/** The same for programs. */
export function imagesAsJson({ images }: Judgement): readonly object[] {
  return images.map(({ verdict, ...image }) => ({ ...image, verdict: verdictToJson(verdict) }));
}
