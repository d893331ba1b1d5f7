import { PolicyError } from "../../../policy/errors.ts";
import type { Verdict } from "../../../policy/verdict.ts";
import type { CommandContext } from "../context.ts";
import { explanationOf, imagesAsJson } from "../trust/explain.ts";
import { type Judgement, judge } from "../trust/judge.ts";

/** `verify IMAGE`: the gate's answer without a copy, and the digest to pin. */
export async function run(context: CommandContext): Promise<void> {
  const { flags, log, terminal } = context;
  const judgement = await judge(context);
  const json = flags.bool("json") || log.isJson;
  if (json) await terminal.out(`${JSON.stringify(report(judgement), undefined, 4)}\n`);
  else if (flags.bool("explain")) await terminal.out(`${explanationOf(judgement)}\n`);
  refuseAny(judgement);
  const unchecked = judgement.images.filter(({ verdict }) => !isSigned(verdict));
  if (unchecked.length > 0 && !json)
    log.warning("The policy accepts this image without looking at a signature");
  if (!json) await terminal.out(`${judgement.pinned}\n`);
}

function report(judgement: Judgement): object {
  const { pinned, digest, images } = judgement;
  return {
    allowed: images.every(({ verdict }) => verdict.allowed),
    signed: images.every(({ verdict }) => isSigned(verdict)),
    digest,
    pinned,
    images: imagesAsJson(judgement),
  };
}

/** Whether a requirement that needs a signature was met, and not only that nothing stood against the image. */
function isSigned({ steps }: Verdict): boolean {
  return steps.some(({ kind, code }) => kind === "requirement" && code === "requirement.signed");
}

function refuseAny({ images }: Judgement): void {
  const position = images.findIndex(({ verdict }) => !verdict.allowed);
  const refused = images[position];
  if (!refused) return;
  const during = images.length === 1 ? "" : `image ${position + 1}/${images.length} of the list: `;
  throw new PolicyError(
    "policy.refused",
    `${during}Source image rejected: ${refused.verdict.error}`,
    {
      verdict: refused.verdict,
      hint: "Run `amphora trust explain` on it for the whole decision",
    },
  );
}
