import type { PolicyContext } from "../../policy/context.ts";
import { createGate, type Gate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import type { PolicySubject } from "../../policy/subject.ts";
import type { Verdict } from "../../policy/verdict.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { digestOf } from "../../src/core/digest.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { parseDockerLocation } from "../../src/transport/docker/location.ts";
import { createToyVerifiers } from "./toy-signatures.ts";

/** The manifest of all these tests. */
export const manifestDigest = digestOf(Buffer.from("manifest"));

export const docker = (name: string): ImageReference =>
  parseDockerLocation(`//${name}`, { tagAndDigest: true });

/** A reference of a transport that is not built yet, or needs no file. */
export function referenceOf(
  transport: ImageReference["transport"],
  identity: string,
  namespaces: readonly string[] = [],
): ImageReference {
  return { transport, text: identity, policyIdentity: identity, policyNamespaces: namespaces };
}

export function subjectOf(
  reference: ImageReference,
  signatures: readonly UntrustedSignature[] = [],
): PolicySubject {
  return { reference, manifestDigest, signatures: async () => signatures };
}

/** A context in which the only key files are those of `files`. */
export function contextOf(
  files: Readonly<Record<string, Uint8Array>>,
  options: Partial<PolicyContext> = {},
): PolicyContext {
  return {
    requireSigned: false,
    verifiers: createToyVerifiers(new Date("2026-06-01T00:00:00Z")),
    readKeyFile: async (path) => {
      const bytes = files[path];
      if (bytes) return bytes;
      throw new ConfigError("config.unreadable", `open ${path}: no such file or directory`);
    },
    ...options,
  };
}

export function gateOf(policy: unknown, context: PolicyContext): Gate {
  const text = typeof policy === "string" ? policy : JSON.stringify(policy);
  return createGate(parsePolicy(new TextEncoder().encode(text), "p"), context);
}

/** Each failed or passed step as `kind code`, for short comparisons. */
export function stepsOf({ steps }: Verdict): readonly string[] {
  return steps.map(({ code }) => code);
}
