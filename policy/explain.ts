import type { SignatureDescription } from "../sigstore/verifiers.ts";
import { escapeControls } from "../src/core/go-quote.ts";
import { adviceFor, entryOf } from "./advice.ts";
import type { SignedIdentity } from "./policy.ts";
import type { Step, StepData, Verdict } from "./verdict.ts";

/**
 * A verdict as a person reads it: which entry of the policy decided and how it was found, what each requirement asked
 * for, what each signature says and where it failed, and what to do. Text from signatures is escaped. Ends with a line end.
 */
export function explainVerdict(verdict: Verdict): string {
  const { allowed, image, manifestDigest, error, validUntil } = verdict;
  const lines = [
    `${allowed ? "allowed" : "refused"}: ${image} (${manifestDigest})`,
    `policy: ${entryOf(verdict)}`,
    ...verdict.steps.flatMap(linesOf),
    ...(error === undefined ? [] : [`why: ${error}`, `do: ${adviceFor(verdict)}`]),
    ...(validUntil ? [`judge again after ${validUntil.toISOString()}`] : []),
  ];
  return lines.map((line) => `${escapeControls(line).replaceAll("\n", "\\n")}\n`).join("");
}

/** A verdict as JSON says it: the verdict itself, its dates as ISO 8601, and the advice. */
export function verdictToJson(verdict: Verdict): object {
  const plain = JSON.parse(JSON.stringify(verdict)) as object;
  return verdict.allowed ? plain : { ...plain, advice: adviceFor(verdict) };
}

function linesOf(step: Step): readonly string[] {
  switch (step.kind) {
    case "scope":
      return [`  looked for: ${triedText(step.data)}`];
    case "requirement":
      return [`  requirement ${step.data.index + 1}: ${requirementText(step)}`];
    case "fetch":
      return [`    signatures: ${step.message}`];
    case "signature":
      return [`    signature ${step.data.signature + 1} says ${sayingOf(step.data.untrusted)}`];
    default:
      return [`      ${step.ok ? "yes" : "no "} ${questions[step.kind]}: ${step.message}`];
  }
}

const questions = {
  crypto: "made by a trusted key",
  payload: "a claim about an image",
  digest: "about this manifest",
  identity: "about this name",
} as const;

function triedText({ entry, tried }: StepData["scope"]): string {
  const names = tried.map((scope) => scope || '""');
  if (entry !== "policy-default") return `${names.join(", ")}, which is there`;
  return names.length === 0
    ? "nothing, as the policy has no section for this transport"
    : `${names.join(", ")}; none is there`;
}

function requirementText({ ok, message, data }: Step<"requirement">): string {
  const trusted = data.keys?.length ? ` with ${data.keys.join(", ")}` : "";
  const name = data.signedIdentity ? `, ${identityText(data.signedIdentity)}` : "";
  const holds = ok ? "holds" : "does not hold";
  return `${data.type}${trusted}${name} ${holds}: ${message}`;
}

function identityText(identity: SignedIdentity): string {
  switch (identity.type) {
    case "exactReference":
      return `signed as ${identity.dockerReference}`;
    case "exactRepository":
      return `signed as repository ${identity.dockerRepository}`;
    case "remapIdentity":
      return `signed as ${identity.signedPrefix} for ${identity.prefix}`;
    default:
      return identity.type;
  }
}

/** What an unverified signature says of itself. */
function sayingOf(said: SignatureDescription): string {
  const parts = [
    said.keyId && `key ${said.keyId}`,
    said.dockerReference !== undefined && `image ${JSON.stringify(said.dockerReference)}`,
    said.manifestDigest,
    said.signedAt && `at ${said.signedAt.toISOString()}`,
  ].filter((part) => part);
  return `(unverified) ${[said.format, ...parts].join(", ")}`;
}
