import { KnownError } from "../src/core/errors.ts";
import { PolicyError } from "./errors.ts";

/** A fault of a policy, before it is known where it is. */
export function invalidPolicy(message: string): PolicyError {
  return new PolicyError("policy.invalid", message);
}

/** Runs `read`; a fault found in it is one of `part`, a member or an entry. */
export function within<T>(part: string | number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const inside = error instanceof PolicyError ? error.path : [];
    throw new PolicyError("policy.invalid", error.message, {
      cause: error,
      path: [part, ...inside],
    });
  }
}
