import { PolicyError } from "../../../policy/errors.ts";
import { explainVerdict } from "../../../policy/explain.ts";
import type { Gate } from "../../../policy/gate.ts";

/** The same gate, which tells of each refusal how it came about. */
export function explaining(gate: Gate, tell: (text: string) => void): Gate {
  return {
    verdict: (subject) => gate.verdict(subject),
    ...(gate.admitsAll && { admitsAll: gate.admitsAll }),
    async admit(subject) {
      try {
        await gate.admit(subject);
      } catch (error) {
        if (error instanceof PolicyError && error.verdict) tell(explainVerdict(error.verdict));
        throw error;
      }
    },
  };
}
