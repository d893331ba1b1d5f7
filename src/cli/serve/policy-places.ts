import { dirname, join } from "node:path";
import type { Environment } from "../../config/environment.ts";
import { findPolicyFile } from "../../config/load-policy-file.ts";
import type { PolicyPlaces } from "../../server/admission/policy-snapshot.ts";

/** What the configuration names. */
export interface NamedPolicy {
  readonly policy?: string | undefined;
  readonly overlay?: string | undefined;
}

/**
 * The policy that a server holds to, and its overlay: one that is named has the overlay that is named, since anybody may
 * write beside it; the usual one has the usual one.
 *
 * @throws {ConfigError} `config.not-found`
 */
export function policyPlaces(
  environment: Environment,
  { policy: named, overlay: namedOverlay }: NamedPolicy,
): PolicyPlaces {
  const { path } = findPolicyFile(environment, named);
  const beside = named === undefined ? join(dirname(path), "x-policy.json") : undefined;
  const overlay = namedOverlay ?? beside;
  return { policy: path, ...(overlay !== undefined && { overlay }) };
}
