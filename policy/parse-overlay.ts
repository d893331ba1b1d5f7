import { KnownError } from "../src/core/errors.ts";
import { goQuote } from "../src/core/go-quote.ts";
import { type JsonNode, parseJsonText } from "../src/core/json-text.ts";
import { readExactMembers, visitMembers } from "../src/core/strict-members.ts";
import { decodeUtf8 } from "../src/core/utf8.ts";
import { PolicyError } from "./errors.ts";
import { invalidPolicy, within } from "./invalid.ts";
import type { BundleRequirement, PolicyOverlay } from "./overlay.ts";
import { maxPolicyBytes, maxPolicyDepth } from "./parse.ts";
import { readBundleRequirement } from "./parse-bundle.ts";

// overlay = { "transports": { "docker": { scope: [ requirement, … ] } } }        scopes as in policy.json

/**
 * Reads an overlay, as strictly as a policy.
 *
 * @throws {PolicyError} `policy.invalid`, with `file` in its message
 */
export function parseOverlay(bytes: Uint8Array, file: string): PolicyOverlay {
  try {
    if (bytes.length > maxPolicyBytes) throw invalidPolicy("the file is too large");
    const { transports } = readExactMembers(
      parseJsonText(decodeUtf8(bytes), { maxDepth: maxPolicyDepth }),
      { transports: (node) => within("transports", () => readTransports(node)) },
    );
    return { transports };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const path = error instanceof PolicyError ? error.path : [];
    throw new PolicyError(
      "policy.invalid",
      `invalid policy in ${goQuote(file)}: ${error.message}`,
      {
        cause: error,
        file,
        path,
      },
    );
  }
}

function readTransports(value: JsonNode): PolicyOverlay["transports"] {
  const transports = new Map<string, ReadonlyMap<string, readonly BundleRequirement[]>>();
  visitMembers(value, (name, scopes) => {
    // Nowhere else are bundles kept.
    if (name !== "docker") return false;
    transports.set(
      name,
      within(name, () => readScopes(scopes)),
    );
    return true;
  });
  return transports;
}

function readScopes(value: JsonNode): ReadonlyMap<string, readonly BundleRequirement[]> {
  const scopes = new Map<string, readonly BundleRequirement[]>();
  visitMembers(value, (scope, list) => {
    return within(scope, () => {
      const items: readonly JsonNode[] = Array.isArray(list) ? list : [];
      if (items.length === 0) throw invalidPolicy("A list of requirements must not be empty");
      scopes.set(
        scope,
        items.map((item, index) => within(index, () => readBundleRequirement(item))),
      );
      return true;
    });
  });
  return scopes;
}
