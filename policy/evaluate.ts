import { formatImageReference } from "../src/core/image-reference.ts";
import type { Policy, PolicyRequirement } from "./policy.ts";
import { chooseRequirements } from "./scope.ts";
import type { PolicySubject } from "./subject.ts";

/** One thing looked at on the way to a verdict, kept so that it can be explained afterwards. */
export interface Step {
  readonly kind: "scope" | "requirement";
  readonly ok: boolean;
  readonly code: string;
  readonly message: string;
}

/** What the policy says of one image, and why. `scope` is the policy key that decided, "" for a default. */
export interface Verdict {
  readonly allowed: boolean;
  readonly scope: string;
  readonly steps: readonly Step[];
}

type RequirementType = PolicyRequirement["type"];

/** Decides one kind of requirement. */
type Decide = (subject: PolicySubject) => Step;

const unsupported =
  (type: RequirementType): Decide =>
  () => ({
    kind: "requirement",
    ok: false,
    code: "requirement.unsupported",
    message: `policy requirement "${type}" is not supported yet`,
  });

/** A decision for every kind: a new requirement does not compile until it is decided. */
const decisions: { readonly [T in RequirementType]: Decide } = {
  insecureAcceptAnything: () => ({
    kind: "requirement",
    ok: true,
    code: "requirement.accept-anything",
    message: "insecureAcceptAnything accepts every image",
  }),
  reject: ({ reference }) => ({
    kind: "requirement",
    ok: false,
    code: "requirement.reject",
    message: `Running image ${formatImageReference(reference)} is rejected by policy.`,
  }),
  signedBy: unsupported("signedBy"),
  sigstoreSigned: unsupported("sigstoreSigned"),
  signedBaseLayer: unsupported("signedBaseLayer"),
};

/** Evaluates the requirements of the first scope that matches, in order; the first that fails ends it — `specs/signing.md` 1.4. */
export function evaluate(policy: Policy, subject: PolicySubject, requireSigned: boolean): Verdict {
  const { scope, requirements, from } = chooseRequirements(policy, subject.reference);
  const steps: Step[] = [
    { kind: "scope", ok: true, code: "scope.chosen", message: `${from} decides` },
  ];
  for (const requirement of requirements) {
    const step = decisions[requirement.type](subject);
    steps.push(step);
    if (!step.ok) return { allowed: false, scope, steps };
  }
  if (requireSigned) {
    const { transport, policyIdentity } = subject.reference;
    steps.push({
      kind: "requirement",
      ok: false,
      code: "requirement.unsigned",
      message: `No signature verification policy found for image ${transport}:${policyIdentity}`,
    });
    return { allowed: false, scope, steps };
  }
  return { allowed: true, scope, steps };
}
