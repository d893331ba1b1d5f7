import { goQuote } from "../src/core/go-quote.ts";
import { type JsonNode, parseJsonText } from "../src/core/json-text.ts";
import { cannotUnmarshal, visitMembers } from "../src/core/strict-members.ts";
import { decodeUtf8 } from "../src/core/utf8.ts";
import { PolicyError } from "./errors.ts";
import { invalidPolicy, within } from "./invalid.ts";
import { readRequirement } from "./parse-requirement.ts";
import type { Policy, PolicyRequirements } from "./policy.ts";
import { isValidScope } from "./scope.ts";
import { adviceForFault } from "./typo.ts";

const maxDepth = 1_000;

/**
 * The largest policy that is read. The reference knows no limit; ten megabytes are far more than anybody writes.
 */
export const maxPolicyBytes = 10 * 1024 * 1024;

/**
 * The policy in `bytes`: containers-policy.json(5), strictly; grammar and texts of `specs/signing.md` 1.2. Of several
 * faults the first in the text is told. Key files are not looked at.
 *
 * @throws {PolicyError} `policy.invalid`, with `file` in its message
 */
export function parsePolicy(bytes: Uint8Array, file: string): Policy {
  try {
    if (bytes.length > maxPolicyBytes) {
      throw invalidPolicy(`the policy is larger than ${maxPolicyBytes} bytes`);
    }
    return readPolicy(parseJsonText(decodeUtf8(bytes), { maxDepth }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const path = error instanceof PolicyError ? error.path : [];
    throw new PolicyError("policy.invalid", `invalid policy in ${goQuote(file)}: ${reason}`, {
      cause: error,
      file,
      path,
      hint: adviceForFault(reason, path, file),
    });
  }
}

/**
 * The policy in a JSON document.
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`
 */
export function readPolicy(document: JsonNode): Policy {
  let transports: Policy["transports"] = new Map();
  let requirements: PolicyRequirements | undefined;
  visitMembers(document, (name, value) => {
    if (name === "default") requirements = within(name, () => readRequirements(value));
    else if (name === "transports") transports = within(name, () => readTransports(value));
    else return false;
    return true;
  });
  if (!requirements) throw invalidPolicy("Default policy is missing");
  return { default: requirements, transports };
}

function readTransports(value: JsonNode): Policy["transports"] {
  const transports = new Map<string, ReadonlyMap<string, PolicyRequirements>>();
  visitMembers(value, (name, scopes) => {
    transports.set(
      name,
      within(name, () => readScopes(name, scopes)),
    );
    return true;
  });
  return transports;
}

function readScopes(transport: string, value: JsonNode): ReadonlyMap<string, PolicyRequirements> {
  const scopes = new Map<string, PolicyRequirements>();
  visitMembers(value, (scope, requirements) => {
    return within(scope, () => {
      if (!isValidScope(transport, scope)) throw invalidPolicy(`Unknown key ${goQuote(scope)}`);
      scopes.set(scope, readRequirements(requirements));
      return true;
    });
  });
  return scopes;
}

function readRequirements(value: JsonNode): PolicyRequirements {
  if (value !== null && !Array.isArray(value)) {
    throw cannotUnmarshal(value, "[]json.RawMessage");
  }
  const items: readonly JsonNode[] = value ?? [];
  const [first, ...rest] = items.map((item, index) => within(index, () => readRequirement(item)));
  if (!first) throw invalidPolicy("List of verification policy requirements must not be empty");
  return [first, ...rest];
}
