import { PolicyError } from "../../../policy/errors.ts";
import { KnownError } from "../../core/errors.ts";

/** How an image's end is told that was not copied: refused by the policy, or failed otherwise. */
export function imageFailure(error: unknown): {
  readonly state: "failed" | "refused";
  readonly code: string;
  readonly message: string;
} {
  const known = error instanceof KnownError ? error : undefined;
  const state = isRefusal(error) ? "refused" : "failed";
  return { state, code: known?.code ?? "internal", message: known?.message ?? "internal error" };
}

/** Whether the policy said no, however deep that stands: trying again changes nothing. */
export function isRefusal(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof PolicyError && at.code === "policy.refused") return true;
  return false;
}
