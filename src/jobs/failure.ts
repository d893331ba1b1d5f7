import { KnownError } from "../core/errors.ts";
import type { JobFailure } from "./job.ts";

/** What became of an attempt that threw. */
export interface ClassifiedFailure {
  /** "again": the same may succeed later; "refused": the policy said no, which it will say again. */
  readonly kind: "again" | "refused" | "failed";
  readonly failure: JobFailure;
}

/** What is to be made of what an attempt has thrown, however deep the reason stands. Of a bug nothing is told but that it is one. */
export function classifyFailure(error: unknown): ClassifiedFailure {
  const chain = [...known(error)];
  const [first] = chain;
  if (first === undefined) {
    return { kind: "failed", failure: { code: "internal", message: "internal error" } };
  }
  const { code, message, hint } = first;
  const failure = { code, message, ...(hint !== undefined && { hint }) };
  if (chain.some((one) => one.code === "policy.refused")) return { kind: "refused", failure };
  return { kind: chain.some(({ retryable }) => retryable) ? "again" : "failed", failure };
}

function* known(error: unknown): Generator<KnownError> {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof KnownError) yield at;
  }
}
