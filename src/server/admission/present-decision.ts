import { escapeControls } from "../../core/go-quote.ts";
import type { DecidedImage, KeptDecision } from "./decision-log.ts";
import { type Discretion, discreet } from "./reason.ts";

/** A decision as the API gives it: without how the repository was asked for, and with what to do about a refusal. */
export function presentDecision(decision: KeptDecision, discretion: Discretion): object {
  const { served: _, images, policy, ...rest } = decision;
  const hint = hintOf(images);
  const shown = {
    ...rest,
    ...(hint !== undefined && { hint }),
    ...(policy && { policy }),
    images,
  };
  return discretion.showDetails ? shown : (withoutDetails(shown, discretion) as object);
}

/** The same as text, for a terminal. */
export function explainDecision(decision: KeptDecision, discretion: Discretion): string {
  const { id, at, outcome, mode, image, digest, reason, scope, images, policy } = decision;
  const lines = [
    `${outcome}: ${image} (${digest})`,
    `decision ${id} of ${at}, mode ${mode}, scope ${scope || "(all others)"}`,
    ...(policy ? [`policy ${policy.path} sha256 ${policy.sha256}, keys ${policy.keys}`] : []),
    ...(reason === undefined ? [] : [reason]),
  ].map((line) => `${escapeControls(line).replaceAll("\n", "\\n")}\n`);
  const parts = images.map((each) => each.text ?? textOf(each));
  return discreet([...lines, ...parts].join(""), discretion);
}

function textOf({ digest, platform, attachment, allowed }: DecidedImage): string {
  const name = platform === undefined ? digest : `${platform} ${digest}`;
  return `${allowed ? "allowed" : "refused"}: ${name}${attachment ? " (an attachment)" : ""}\n`;
}

/** The advice on the first image that was refused. */
function hintOf(images: readonly DecidedImage[]): string | undefined {
  const verdict = images.find(({ allowed }) => !allowed)?.verdict;
  return verdict && "advice" in verdict && typeof verdict.advice === "string"
    ? verdict.advice
    : undefined;
}

function withoutDetails(value: unknown, discretion: Discretion): unknown {
  if (typeof value === "string") return discreet(value, discretion);
  if (Array.isArray(value)) return value.map((each) => withoutDetails(each, discretion));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withoutDetails(each, discretion)]),
  );
}
