import { formatImageReference } from "../src/core/image-reference.ts";
import type { PolicyContext } from "./context.ts";
import { type Decision, decideSignedBy, decideSigstoreSigned } from "./decide-signed.ts";
import { type EvaluationState, startEvaluation } from "./evaluation-state.ts";
import { type BundleRequirement, bundlesWanted } from "./overlay.ts";
import type { Policy, PolicyRequirement } from "./policy.ts";
import { keyNames } from "./requirement-keys.ts";
import { chooseRequirements } from "./scope.ts";
import type { PolicySubject } from "./subject.ts";
import type { Step, Verdict } from "./verdict.ts";

type RequirementType = PolicyRequirement["type"];

type Decide<T extends RequirementType> = (
  requirement: Extract<PolicyRequirement, { readonly type: T }>,
  state: EvaluationState,
) => Promise<Decision>;

/** A decision for every kind: a new requirement does not compile until it is decided. */
const decisions: { readonly [T in RequirementType]: Decide<T> } = {
  insecureAcceptAnything: async () => ({
    ok: true,
    code: "requirement.accept-anything",
    message: "insecureAcceptAnything accepts every image",
    steps: [],
  }),
  reject: async (_, { subject }) => ({
    ok: false,
    code: "requirement.reject",
    message: `Running image ${formatImageReference(subject.reference)} is rejected by policy.`,
    steps: [],
  }),
  signedBaseLayer: async () => ({
    ok: false,
    code: "requirement.not-implemented",
    message: "signedBaseLayer not implemented yet!",
    steps: [],
  }),
  signedBy: decideSignedBy,
  sigstoreSigned: decideSigstoreSigned,
};

/** What came of an evaluation: the verdict, and the failure underneath where something could not be read. */
export interface Evaluation {
  readonly verdict: Verdict;
  readonly cause?: unknown;
}

/**
 * Evaluates the requirements of the first scope that matches, in order; the first that fails ends it
 * (`specs/signing.md` 1.4). Signatures are read, and key files opened, only where a requirement asks.
 *
 * @throws what is no foreseen failure of reading or verifying: then nothing was decided, and nothing is allowed
 */
export async function evaluate(
  policy: Policy,
  subject: PolicySubject,
  context: PolicyContext,
): Promise<Evaluation> {
  const chosen = chooseRequirements(policy, subject.reference);
  const state = startEvaluation(subject, context);
  const steps: Step[] = [chosen.step];
  const about = {
    ...(context.policyFile && { policy: context.policyFile }),
    image: `${subject.reference.transport}:${subject.reference.policyIdentity}`,
    manifestDigest: subject.manifestDigest,
    scope: chosen.scope,
    steps,
  };
  const refuse = ({ message, code, cause }: Decision): Evaluation => ({
    verdict: { allowed: false, error: message, code, ...about },
    ...(cause !== undefined && { cause }),
  });
  const ends: Date[] = [];
  const wanted = context.overlay && bundlesWanted(context.overlay, subject.reference);
  if (isOneEmpty(chosen.requirements, wanted)) return refuse(nothingAsked);
  for (const [index, requirement] of chosen.requirements.entries()) {
    const decision = await decideOrBundles(requirement, wanted, state);
    steps.push(requirementStep(index, requirement, decision), ...decision.steps);
    if (!decision.ok) return refuse(decision);
    if (decision.validUntil) ends.push(decision.validUntil);
  }
  const last = chosen.requirements.length - 1;
  if (wanted && !chosen.requirements.some(({ type }) => type === "sigstoreSigned")) {
    const decision = await decideBundles(wanted, state);
    steps.push(bundleStep(last + 1, decision), ...decision.steps);
    if (!decision.ok) return refuse(decision);
  }
  if (context.requireSigned && !wanted && !chosen.requirements.some(needsSignature)) {
    const unsigned = refuseUnsigned(about.image);
    steps.push(requirementStep(last, chosen.requirements[0], unsigned));
    return refuse(unsigned);
  }
  const end = earliest(ends);
  return { verdict: { allowed: true, ...about, ...(end && { validUntil: end }) } };
}

/** A bundle that an overlay accepts stands in for the attachment that `sigstoreSigned` asks for. */
async function decideOrBundles(
  requirement: PolicyRequirement,
  wanted: readonly BundleRequirement[] | undefined,
  state: EvaluationState,
): Promise<Decision> {
  const decision = await decide(requirement, state);
  if (requirement.type !== "sigstoreSigned" || decision.ok || !wanted) return decision;
  if (decision.code === "fetch.failed") return decision;
  const bundles = await decideBundles(wanted, state);
  const steps = [...decision.steps, ...bundles.steps];
  const onlyBundles = decision.code === "requirement.not-signed" && bundles.code !== decision.code;
  if (bundles.ok || bundles.code === "fetch.failed" || onlyBundles) return { ...bundles, steps };
  return { ...decision, steps };
}

/** Few have an overlay: what judges bundles is loaded for them. */
async function decideBundles(
  wanted: readonly BundleRequirement[],
  state: EvaluationState,
): Promise<Decision> {
  const bundles = await import("./decide-bundles.ts");
  return bundles.decideBundles(wanted, state);
}

function bundleStep(index: number, { ok, code, message }: Decision): Step<"requirement"> {
  return { kind: "requirement", ok, code, message, data: { index, type: "sigstoreBundle" } };
}

/** Whether a requirement lets no image pass that nobody has signed — containers-policy.json(5). */
export function needsSignature({ type }: PolicyRequirement): boolean {
  return type === "signedBy" || type === "sigstoreSigned";
}

function decide<T extends RequirementType>(
  requirement: Extract<PolicyRequirement, { readonly type: T }>,
  state: EvaluationState,
): Promise<Decision> {
  const byType: Decide<T> = decisions[requirement.type as T];
  return byType(requirement, state);
}

function isOneEmpty(...lists: readonly (readonly unknown[] | undefined)[]): boolean {
  return lists.some((list) => list?.length === 0);
}

/** No file can say so, but a program can, and of no requirements all hold. */
const nothingAsked: Decision = {
  ok: false,
  code: "requirement.unsigned",
  message: "List of verification policy requirements must not be empty",
  steps: [],
};

function refuseUnsigned(image: string): Decision {
  return {
    ok: false,
    code: "requirement.unsigned",
    message: `No signature verification policy found for image ${image}`,
    steps: [],
  };
}

function requirementStep(
  index: number,
  requirement: PolicyRequirement,
  { ok, code, message }: Decision,
): Step<"requirement"> {
  const { type } = requirement;
  return {
    kind: "requirement",
    ok,
    code,
    message,
    data: {
      index,
      type,
      ...("signedIdentity" in requirement && { signedIdentity: requirement.signedIdentity }),
      ...("signedIdentity" in requirement && { keys: keyNames(requirement) }),
    },
  };
}

function earliest(dates: readonly Date[]): Date | undefined {
  const [first, ...rest] = dates;
  return rest.reduce((least, date) => (least && least <= date ? least : date), first);
}
