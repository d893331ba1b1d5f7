import type { Policy, PolicyRequirements } from "../../../policy/policy.ts";
import { lintRequirements } from "./lint-requirements.ts";
import { lintScope } from "./lint-scope.ts";

/** Where in a policy something was found. */
export interface PolicyPlace {
  /** Absent for the policy's default. */
  readonly transport?: string;
  /** "" for a transport's default. */
  readonly scope?: string;
}

/** A mistake, or what may well be one. */
export interface Finding {
  /** "error": an image would be let in that should not be, or one could never be. */
  readonly level: "error" | "warning";
  /** Stable, for programs. */
  readonly code: string;
  readonly place: PolicyPlace;
  /** From 0; absent where it is about the whole entry. */
  readonly requirement?: number;
  readonly message: string;
  /** One sentence in the imperative. */
  readonly hint?: string;
}

/** A finding that does not say yet where it was made. */
export type Remark = Omit<Finding, "place">;

/** One entry of a policy: what must hold in a place. */
export interface PolicyEntry {
  readonly place: PolicyPlace;
  readonly requirements: PolicyRequirements;
}

/** Every entry of a policy, the default first. */
export function entriesOf(policy: Policy): readonly PolicyEntry[] {
  const scoped = [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) => ({ place: { transport, scope }, requirements })),
  );
  return [{ place: {}, requirements: policy.default }, ...scoped];
}

/**
 * Mistakes that can be seen in a valid policy by itself; keys, folders and the configuration of signatures are not
 * looked at.
 */
export function lintPolicy(policy: Policy): readonly Finding[] {
  return entriesOf(policy).flatMap((entry) => {
    const { place } = entry;
    const remarks = [...lintScope(policy, entry), ...lintRequirements(entry)];
    return remarks.map((remark) => ({ ...remark, place }));
  });
}
