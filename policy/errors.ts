import { KnownError, type KnownErrorOptions } from "../src/core/errors.ts";
import type { Verdict } from "./verdict.ts";

/** An image is refused, or the policy itself cannot be used. */
export class PolicyError extends KnownError<"policy.refused" | "policy.invalid"> {
  readonly verdict: Verdict | undefined;

  constructor(
    code: "policy.refused" | "policy.invalid",
    message: string,
    options: KnownErrorOptions & { readonly verdict?: Verdict } = {},
  ) {
    super(code, message, options);
    this.verdict = options.verdict;
  }
}
