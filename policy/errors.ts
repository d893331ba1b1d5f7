import { KnownError, type KnownErrorOptions } from "../src/core/errors.ts";
import type { Verdict } from "./verdict.ts";

/** Why a policy lets no image in: it refuses this one, or nobody can say what it means. */
export type PolicyErrorCode = "policy.refused" | "policy.invalid" | "policy.conflict";

/** What a {@link PolicyError} carries besides its code and message. */
export interface PolicyErrorOptions extends KnownErrorOptions {
  readonly verdict?: Verdict;
  readonly file?: string;
  readonly path?: PolicyPath;
}

/** A place in a policy: member names and positions, from the outside in. */
export type PolicyPath = readonly (string | number)[];

/** An image is refused, or the policy itself cannot be used. */
export class PolicyError extends KnownError<PolicyErrorCode> {
  /** With `policy.refused`. */
  readonly verdict: Verdict | undefined;
  /** With the other codes: the file, and where in it. */
  readonly file: string | undefined;
  readonly path: PolicyPath;

  constructor(code: PolicyErrorCode, message: string, options: PolicyErrorOptions = {}) {
    super(code, message, options);
    this.verdict = options.verdict;
    this.file = options.file;
    this.path = options.path ?? [];
  }
}

/** A place as one would write it in JavaScript: `transports.docker["h.example"][0].keyPath`. */
export function formatPolicyPath(path: PolicyPath): string {
  const parts = path.map((part) => {
    if (typeof part === "number") return `[${part}]`;
    return /^[A-Za-z_]\w*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  });
  return parts.join("").replace(/^\./, "");
}
