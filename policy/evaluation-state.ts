import type { UntrustedSignature } from "../sigstore/signature.ts";
import type { PolicyContext } from "./context.ts";
import type { PolicySubject } from "./subject.ts";

/** What the requirements of one evaluation share. */
export interface EvaluationState {
  readonly subject: PolicySubject;
  readonly context: PolicyContext;
  /** Reads once; every later call gives, or throws, the same. */
  signatures(): Promise<readonly UntrustedSignature[]>;
}

/** The state of an evaluation in which nothing has been read yet. */
export function startEvaluation(subject: PolicySubject, context: PolicyContext): EvaluationState {
  let read: Promise<readonly UntrustedSignature[]> | undefined;
  return {
    subject,
    context,
    signatures() {
      read ??= subject.signatures();
      return read;
    },
  };
}
