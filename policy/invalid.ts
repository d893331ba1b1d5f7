import { PolicyError } from "./errors.ts";

/** A fault of a policy, before the file that it is in is known. */
export function invalidPolicy(message: string): PolicyError {
  return new PolicyError("policy.invalid", message);
}
