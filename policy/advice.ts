import type { Verdict } from "./verdict.ts";

/** What to do about a refusal: one sentence in the imperative. */
export function adviceFor(verdict: Verdict): string {
  const [scope] = verdict.steps;
  const entry = scope?.message.replace(/ decides$/, "") ?? "the policy";
  return `Change ${entry} in ${verdict.policy?.path ?? "policy.json"}, or sign the image`;
}
