import { PolicyError } from "./errors.ts";
import { evaluate, type Verdict } from "./evaluate.ts";
import type { Policy } from "./policy.ts";
import type { PolicySubject } from "./subject.ts";

/** The one door to trust. Whoever moves an image is handed a gate, and asks it before planning anything. */
export interface Gate {
  verdict(subject: PolicySubject): Promise<Verdict>;
  /** @throws {PolicyError} `policy.refused`, with the step that failed, unless the verdict allows the image */
  admit(subject: PolicySubject): Promise<void>;
}

/** A gate that holds to `policy`. With `requireSigned` no image passes on the word of a policy that checks no signature. */
export function createGate(policy: Policy, options: { readonly requireSigned: boolean }): Gate {
  const verdict = async (subject: PolicySubject) =>
    evaluate(policy, subject, options.requireSigned);
  return {
    verdict,
    async admit(subject) {
      const given = await verdict(subject);
      if (given.allowed) return;
      const failed = given.steps.find((step) => !step.ok);
      throw new PolicyError(
        "policy.refused",
        `Source image rejected: ${failed?.message ?? "the trust policy refuses it"}`,
        {
          verdict: given,
          hint: `Change ${given.steps[0]?.message.replace(/ decides$/, "")} in policy.json, or sign the image`,
        },
      );
    },
  };
}
