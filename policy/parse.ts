import { type JsonValue, parseStrictJson } from "../src/core/strict-json.ts";
import { PolicyError } from "./errors.ts";
import type { Policy, PolicyRequirement, PolicyRequirements } from "./policy.ts";
import { isValidScope } from "./scope.ts";

type JsonObject = Map<string, JsonValue>;

const maxDepth = 1_000;

/**
 * The policy in `bytes`: containers-policy.json(5), strictly; grammar and texts of `specs/signing.md` 1.2. What a
 * requirement that needs signatures says besides its type is not read yet: it refuses whatever it says.
 *
 * @throws {PolicyError} `policy.invalid`, with `file` in its message
 */
export function parsePolicy(bytes: Uint8Array, file: string): Policy {
  try {
    return policyOf(parseStrictJson(bytes, { maxDepth }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PolicyError("policy.invalid", `invalid policy in "${file}": ${reason}`, {
      cause: error,
    });
  }
}

function policyOf(value: JsonValue): Policy {
  const members = strictMembers(value, ["default", "transports"]);
  const transports = new Map<string, ReadonlyMap<string, PolicyRequirements>>();
  if (members.has("transports")) {
    for (const [name, scopes] of objectOf(members.get("transports"))) {
      transports.set(name, scopesOf(name, scopes));
    }
  }
  const requirements = members.get("default");
  if (requirements === undefined) throw invalid("Default policy is missing");
  return { default: requirementsOf(requirements), transports };
}

function scopesOf(transport: string, value: JsonValue): ReadonlyMap<string, PolicyRequirements> {
  const scopes = new Map<string, PolicyRequirements>();
  for (const [scope, requirements] of objectOf(value)) {
    if (!isValidScope(transport, scope)) throw invalid(`Unknown key "${scope}"`);
    scopes.set(scope, requirementsOf(requirements));
  }
  return scopes;
}

function requirementsOf(value: JsonValue): PolicyRequirements {
  if (value !== null && !Array.isArray(value)) {
    throw invalid(
      `json: cannot unmarshal ${jsonKind(value)} into Go value of type []json.RawMessage`,
    );
  }
  const [first, ...rest] = (value ?? []).map(requirementOf);
  if (!first) throw invalid("List of verification policy requirements must not be empty");
  return [first, ...rest];
}

function requirementOf(value: JsonValue): PolicyRequirement {
  const type = objectOf(value).get("type");
  if (type !== undefined && type !== null && typeof type !== "string") {
    throw invalid(`json: cannot unmarshal ${jsonKind(type)} into Go value of type string`);
  }
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      strictMembers(value, ["type"]);
      return { type };
    case "signedBy":
    case "sigstoreSigned":
    case "signedBaseLayer":
      return { type };
    default:
      throw invalid(`Unknown policy requirement type "${type ?? ""}"`);
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (value instanceof Map) return value;
  throw invalid(`JSON object expected, got ${JSON.stringify(value)}`);
}

function strictMembers(value: JsonValue, known: readonly string[]): JsonObject {
  const members = objectOf(value);
  for (const name of members.keys()) {
    if (!known.includes(name)) throw invalid(`Unknown key "${name}"`);
  }
  return members;
}

function jsonKind(value: JsonValue): string {
  if (value instanceof Map) return "object";
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

function invalid(message: string): PolicyError {
  return new PolicyError("policy.invalid", message);
}
