import { digestOf } from "../src/core/digest.ts";
import { KnownError } from "../src/core/errors.ts";
import type { ImageReference } from "../src/core/image-reference.ts";
import { adviceFor } from "./advice.ts";
import type { PolicyContext } from "./context.ts";
import { PolicyError } from "./errors.ts";
import { evaluate } from "./evaluate.ts";
import type { Policy } from "./policy.ts";
import type { PolicySubject } from "./subject.ts";
import type { Verdict } from "./verdict.ts";

/** The one door to trust. Whoever moves an image is handed a gate, and asks it before planning anything. */
export interface Gate {
  /** Judges without refusing; a failure to read signatures or keys is a verdict too. */
  verdict(subject: PolicySubject): Promise<Verdict>;
  /**
   * @throws {PolicyError} `policy.refused`, with the verdict and what to do, unless it allows the image; retryable where
   *   signatures could not be read and that may succeed another time
   */
  admit(subject: PolicySubject): Promise<void>;
  /**
   * Whether every image of that name is let in, whatever its digest, and no signature is read for it. Absent: each has to
   * be asked for.
   */
  readonly admitsAll?: (reference: ImageReference) => Promise<boolean>;
}

/** A gate that holds to `policy`. */
export function createGate(policy: Policy, context: PolicyContext): Gate {
  return {
    async verdict(subject) {
      return (await evaluate(policy, subject, context)).verdict;
    },
    async admit(subject) {
      const { verdict, cause } = await evaluate(policy, subject, context);
      if (verdict.allowed) return;
      throw new PolicyError("policy.refused", `Source image rejected: ${verdict.error}`, {
        verdict,
        cause,
        retryable: cause instanceof KnownError && cause.retryable,
        hint: adviceFor(verdict),
      });
    },
    // a requirement knows an image's digest from its signatures alone: one that reads none decides by the name
    async admitsAll(reference) {
      let asked = false;
      const signatures = async () => {
        asked = true;
        return [];
      };
      const subject = { reference, manifestDigest: digestOf(new Uint8Array()), signatures };
      const { verdict } = await evaluate(policy, subject, context);
      return verdict.allowed && !asked && verdict.validUntil === undefined;
    },
  };
}
