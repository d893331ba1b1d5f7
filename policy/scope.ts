import type { ImageReference } from "../src/core/image-reference.ts";
import type { Policy, PolicyRequirements } from "./policy.ts";

/** The requirements that apply to an image, and the policy key they stand under. */
export interface ChosenRequirements {
  readonly requirements: PolicyRequirements;
  /** "" for a transport's default and for the policy's. */
  readonly scope: string;
  /** For a person: which entry it is. */
  readonly from: string;
}

/**
 * The first hit of: the image's identity, its namespaces from the narrowest, the transport's default, the policy's.
 * Nothing is inherited or combined — `specs/signing.md` 1.3.
 */
export function chooseRequirements(policy: Policy, reference: ImageReference): ChosenRequirements {
  const scopes = policy.transports.get(reference.transport);
  for (const scope of scopes ? lookupChain(reference) : []) {
    const requirements = scopes?.get(scope);
    if (requirements) {
      const named = scope === "" ? "default" : `scope "${scope}"`;
      return { requirements, scope, from: `${named} of transport "${reference.transport}"` };
    }
  }
  return { requirements: policy.default, scope: "", from: "the policy's default" };
}

/** Every key looked for, in order. */
export function lookupChain(reference: ImageReference): readonly string[] {
  return [reference.policyIdentity, ...reference.policyNamespaces, ""];
}

/** Whether `scope` could ever name an image of that transport; a policy with another is invalid — `specs/signing.md` 1.3. */
export function isValidScope(transport: string, scope: string): boolean {
  if (scope === "") return true;
  switch (transport) {
    case "dir":
    case "oci":
    case "oci-archive":
    case "sif":
      return isCleanAbsolutePath(scope);
    case "docker-archive":
    case "tarball":
      return false;
    case "docker-daemon":
      return !/^[a-z0-9]+:[0-9a-f]{32,}$/.test(scope);
    case "atomic":
      return scope.split("/").length <= 3;
    case "containers-storage":
      return /^\[(?:[^@\]]+@)?\/[^\]]*\]/.test(scope);
    default:
      return true;
  }
}

function isCleanAbsolutePath(path: string): boolean {
  if (!path.startsWith("/") || path === "/") return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}
