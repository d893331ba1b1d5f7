import { adviceFor } from "../../../policy/advice.ts";
import type { SignedIdentity } from "../../../policy/policy.ts";
import type { Step, Verdict } from "../../../policy/verdict.ts";
import type { SignatureDescription } from "../../../sigstore/verifiers.ts";
import { escapeControls } from "../../core/go-quote.ts";

/** A verdict for a person to read, from the policy's file down to the step that decided; lines without line ends. */
export function explanation(verdict: Verdict): readonly string[] {
  const { policy, steps, allowed, error, validUntil } = verdict;
  const file = policy
    ? `${policy.path}${policy.sha256 === undefined ? "" : ` (sha256 ${policy.sha256.slice(0, 12)})`}`
    : "given by the program, no file";
  return [
    `Image     ${verdict.image}`,
    `Manifest  ${verdict.manifestDigest}`,
    `Policy    ${file}`,
    ...steps.flatMap(stepLines),
    "",
    allowed ? "Admitted" : `Refused: ${error ?? "the policy refuses it"}`,
    ...(allowed ? [] : [`What to do: ${adviceFor(verdict)}`]),
    ...(validUntil ? [`To be judged anew after ${validUntil.toISOString()}`] : []),
  ].map(escapeControls);
}

function stepLines(step: Step): readonly string[] {
  switch (step.kind) {
    case "scope": {
      const { tried } = step.data;
      return [
        `Scope     ${step.message}`,
        ...(tried.length > 0
          ? [`          looked for, in order: ${tried.map(quoted).join(", ")}`]
          : []),
      ];
    }
    case "requirement": {
      const { index, type, keys, signedIdentity } = step.data;
      return [
        "",
        `Requirement ${index + 1}, ${type}, is ${step.ok ? "met" : "not met"}: ${step.message}`,
        ...detail("keys trusted", keys?.join(", ")),
        ...detail("names accepted", signedIdentity && identityText(signedIdentity)),
      ];
    }
    case "fetch": {
      const { simpleSigning, sigstore } = step.data;
      const found = `${simpleSigning} by simple signing, ${sigstore} by sigstore`;
      return detail("signatures found", step.ok ? found : step.message);
    }
    case "signature": {
      const { signature, untrusted } = step.data;
      const outcome = step.ok ? "accepted" : "rejected";
      return [
        `    Signature ${signature + 1} is ${outcome}. It says of itself: ${claims(untrusted)}`,
      ];
    }
    case "crypto": {
      const { signedBy, signedAt } = step.data;
      const at = signedAt === undefined ? "" : ` on ${signedAt.toISOString()}`;
      return checked(step.ok, step.ok ? `made by ${signedBy}${at}` : step.message);
    }
    case "payload":
    case "digest":
    case "identity":
      return checked(step.ok, step.message);
  }
}

function checked(ok: boolean, text: string): readonly string[] {
  return [`        ${ok ? "yes" : "NO "} ${text}`];
}

function detail(name: string, text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : [`    ${name}: ${text}`];
}

function quoted(scope: string): string {
  return JSON.stringify(scope);
}

function claims(untrusted: SignatureDescription): string {
  const { format, keyId, dockerReference, manifestDigest, signedAt } = untrusted;
  return [
    format,
    ...(keyId === undefined ? [] : [`key ${keyId}`]),
    ...(dockerReference === undefined ? [] : [`for ${dockerReference}`]),
    ...(manifestDigest === undefined ? [] : [manifestDigest]),
    ...(signedAt === undefined ? [] : [signedAt.toISOString()]),
  ].join(", ");
}

/** Which names a signature may claim, as the policy says it. */
export function identityText(identity: SignedIdentity): string {
  switch (identity.type) {
    case "exactReference":
      return `${identity.type} ${identity.dockerReference}`;
    case "exactRepository":
      return `${identity.type} ${identity.dockerRepository}`;
    case "remapIdentity":
      return `${identity.type} ${identity.prefix} signed as ${identity.signedPrefix}`;
    default:
      return identity.type;
  }
}
