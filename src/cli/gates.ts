import { dirname, join } from "node:path";
import { createGate } from "../../policy/gate.ts";
import type { PolicyOverlay } from "../../policy/overlay.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import type { Environment } from "../config/environment.ts";
import { readFile, readIfThere } from "../config/load-file.ts";
import { loadPolicyFile, type PolicyFile } from "../config/load-policy-file.ts";
import { digestOf, hexOf } from "../core/digest.ts";
import type { Parts } from "./parts.ts";
import type { GlobalSettings } from "./settings.ts";

/** Makes the gates that images pass: by the policy in force, or by another. */
export function createGates(
  environment: Environment,
  settings: GlobalSettings,
): Pick<Parts, "gate" | "gateOf"> {
  const judging = {
    requireSigned: settings.requireSigned,
    verifiers: createVerifiers({ now: () => new Date() }),
    readKeyFile,
  };
  const gateOf = ({ path, bytes }: PolicyFile, overlay?: PolicyOverlay) => {
    const policyFile = { path, sha256: hexOf(digestOf(bytes)) };
    const context = { ...judging, policyFile, ...(overlay && { overlay }) };
    return createGate(parsePolicy(bytes, path), context);
  };
  return {
    async gate() {
      const { insecurePolicy, policyPath } = settings;
      if (insecurePolicy) return createGate(acceptAnything, judging);
      const policy = loadPolicyFile(environment, policyPath);
      return gateOf(policy, policyPath ? undefined : await readOverlay(policy.path));
    },
    gateOf,
  };
}

/**
 * What is beside a policy at its usual place; anybody may write beside one that is named.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export async function readOverlay(policyPath: string): Promise<PolicyOverlay | undefined> {
  const path = join(dirname(policyPath), "x-policy.json");
  const bytes = readIfThere(path);
  if (!bytes) return undefined;
  const { parseOverlay } = await import("../../policy/parse-overlay.ts");
  return parseOverlay(bytes, path);
}

async function readKeyFile(path: string): Promise<Uint8Array> {
  return readFile(path);
}
