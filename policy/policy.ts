/**
 * containers-policy.json(5) § POLICY REQUIREMENTS. Those that need signatures are read, kept by type and decided as
 * "not supported yet": never let through.
 */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | { readonly type: "signedBy" | "sigstoreSigned" | "signedBaseLayer" };

/** What must hold for an image: every one of these, and there is at least one. */
export type PolicyRequirements = readonly [PolicyRequirement, ...PolicyRequirement[]];

/** containers-policy.json(5): the default, and by transport name the scopes that override it. */
export interface Policy {
  readonly default: PolicyRequirements;
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, PolicyRequirements>>;
}

/** The policy of `--insecure-policy`. */
export const acceptAnything: Policy = {
  default: [{ type: "insecureAcceptAnything" }],
  transports: new Map(),
};
