import { isDigest } from "../src/core/digest.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { ImageReference } from "../src/core/image-reference.ts";
import type { Policy, PolicyRequirements } from "./policy.ts";
import type { Step, StepData } from "./verdict.ts";

/** The requirements that apply to an image, and the policy key they stand under. */
export interface ChosenRequirements {
  readonly requirements: PolicyRequirements;
  /** "" for a transport's default and for the policy's. */
  readonly scope: string;
  /** For a person: which entry it is. */
  readonly from: string;
  readonly step: Step<"scope">;
}

/**
 * The first hit of: the image's identity, its namespaces from the narrowest, the transport's default, the policy's.
 * Nothing is inherited or combined — `specs/signing.md` 1.3.
 */
export function chooseRequirements(policy: Policy, reference: ImageReference): ChosenRequirements {
  const scopes = policy.transports.get(reference.transport);
  const tried: string[] = [];
  for (const scope of scopes ? lookupChain(reference) : []) {
    tried.push(scope);
    const requirements = scopes?.get(scope);
    if (!requirements) continue;
    const named = scope === "" ? "default" : `scope ${goQuote(scope)}`;
    const from = `${named} of transport "${reference.transport}"`;
    const entry = scope === "" ? "transport-default" : "scope";
    return { requirements, scope, from, step: chosen(from, { entry, scope, tried }) };
  }
  const from = "the policy's default";
  const step = chosen(from, { entry: "policy-default", scope: "", tried });
  return { requirements: policy.default, scope: "", from, step };
}

function chosen(from: string, data: StepData["scope"]): Step<"scope"> {
  return { kind: "scope", ok: true, code: "scope.chosen", message: `${from} decides`, data };
}

/** Every key looked for, in order. */
export function lookupChain(reference: ImageReference): readonly string[] {
  return [reference.policyIdentity, ...reference.policyNamespaces, ""];
}

/** Whether `scope` could ever name an image of that transport; a policy with another is invalid — `specs/signing.md` 1.3. */
export function isValidScope(transport: string, scope: string): boolean {
  return scope === "" || (validScopes.get(transport) ?? anyScope)(scope);
}

/** Whether the reference knows this transport: of an unknown one no scope is ever looked up. */
export function isKnownTransport(transport: string): boolean {
  return validScopes.has(transport);
}

type IsValid = (scope: string) => boolean;

const anyScope: IsValid = () => true;
const noScope: IsValid = () => false;

/** A map, so that no transport's name is special. Each answers for scopes that are not "". */
const validScopes: ReadonlyMap<string, IsValid> = new Map<string, IsValid>([
  ["docker", anyScope],
  ["atomic", (scope) => /^[^/]*(?:\/[^:/]*(?:\/[^:/]*(?::[^:/]*)?)?)?$/.test(scope)],
  ["docker-daemon", (scope) => !isDigest(scope)],
  ["dir", isCleanAbsolutePath],
  ["sif", isCleanAbsolutePath],
  ["oci", isCleanAbsolutePath],
  ["oci-archive", isCleanAbsolutePath],
  ["docker-archive", noScope],
  ["tarball", noScope],
  ["containers-storage", isStorageScope],
]);

function isCleanAbsolutePath(path: string): boolean {
  if (!path.startsWith("/")) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

// scope = "[" [ driver "@" ] root "]" [ name [ "@" ( id / digest ) / "@" digest "@" id ] ]      root begins with "/"
function isStorageScope(scope: string): boolean {
  const [, store, rest = ""] = /^\[([^\]]+)\](.*)$/s.exec(scope) ?? [];
  if (store === undefined) return false;
  const [, driver, root = ""] = /^(?:([^@]*)@)?(.*)$/s.exec(store) ?? [];
  if (driver === "" || !root.startsWith("/")) return false;
  const [, first, second] = /^[^@]*(?:@([^@]*)(?:@(.*))?)?$/s.exec(rest) ?? [];
  if (first === undefined) return true;
  if (second === undefined) return isImageId(first) || isDigest(first);
  return isDigest(first) && isImageId(second);
}

function isImageId(text: string): boolean {
  return isDigest(`sha256:${text}`);
}
