import { KnownError } from "../src/core/errors.ts";
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

/** How deep a policy may be nested; the reference stops at 10 000. */
export const maxPolicyDepth = 1_000;

/**
 * The largest policy that is read. The reference knows no limit; ten megabytes are far more than anybody writes.
 */
export const maxPolicyBytes = 10 * 1024 * 1024;

/** A policy, or a part of one that leaves the default to another part. */
export interface PolicyPart {
  readonly default?: PolicyRequirements;
  readonly transports: Policy["transports"];
}

/**
 * The policy in `bytes`: containers-policy.json(5), strictly; grammar and texts of `specs/signing.md` 1.2. Of several
 * faults the first in the text is told. Key files are not looked at.
 *
 * @throws {PolicyError} `policy.invalid`, with `file` in its message and what to do as its hint
 */
export function parsePolicy(bytes: Uint8Array, file: string): Policy {
  return inFile(file, () => {
    const part = readPart(bytes);
    if (!part.default) throw invalidPolicy("Default policy is missing");
    return { default: part.default, transports: part.transports };
  });
}

/**
 * As {@link parsePolicy}, of a file that need not have a default.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function parsePolicyPart(bytes: Uint8Array, file: string): PolicyPart {
  return inFile(file, () => readPart(bytes));
}

function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const { message } = error;
    const path = error instanceof PolicyError ? error.path : [];
    throw new PolicyError("policy.invalid", `invalid policy in ${goQuote(file)}: ${message}`, {
      cause: error,
      file,
      path,
      hint: adviceForFault(message, path, file),
    });
  }
}

function readPart(bytes: Uint8Array): PolicyPart {
  if (bytes.length > maxPolicyBytes) {
    throw invalidPolicy(`the policy is larger than ${maxPolicyBytes} bytes`);
  }
  let transports: Policy["transports"] = new Map();
  let requirements: PolicyRequirements | undefined;
  visitMembers(parseJsonText(decodeUtf8(bytes), { maxDepth: maxPolicyDepth }), (name, value) => {
    if (name === "default") requirements = within(name, () => readRequirements(value));
    else if (name === "transports") transports = within(name, () => readTransports(value));
    else return false;
    return true;
  });
  return { ...(requirements && { default: requirements }), transports };
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
