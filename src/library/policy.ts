import { createGate, type Gate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";

/**
 * A gate that holds to a policy in containers-policy.json(5)'s JSON.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function gateFromPolicy(json: string | Uint8Array): Gate {
  const bytes = typeof json === "string" ? new TextEncoder().encode(json) : json;
  return createGate(parsePolicy(bytes, "policy"), { requireSigned: false });
}

/** A gate that lets everything in: only for images that are trusted for another reason. */
export function openGate(): Gate {
  return createGate(acceptAnything, { requireSigned: false });
}
