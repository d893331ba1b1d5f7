import type { ReadKeyFile } from "../../policy/context.ts";
import { createGate, type Gate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { noVerifiers } from "../../sigstore/no-verifiers.ts";
import { readFile } from "../config/load-file.ts";

/**
 * A gate that holds to a policy in containers-policy.json(5)'s JSON. Key files that it names are opened when an image
 * is judged.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function gateFromPolicy(json: string | Uint8Array): Gate {
  const bytes = typeof json === "string" ? new TextEncoder().encode(json) : json;
  return createGate(parsePolicy(bytes, "policy"), {
    requireSigned: false,
    verifiers: createVerifiers({ now: () => new Date() }),
    readKeyFile,
  });
}

/** A gate that lets everything in: only for images that are trusted for another reason. */
export function openGate(): Gate {
  return createGate(acceptAnything, { requireSigned: false, verifiers: noVerifiers, readKeyFile });
}

const readKeyFile: ReadKeyFile = async (path) => readFile(path);
