import { parsePolicy } from "../../policy/parse.ts";
import { chooseRequirements, lookupChain } from "../../policy/scope.ts";
import { type Environment, variable } from "../config/environment.ts";
import { loadPolicyFile } from "../config/load-policy-file.ts";
import { KnownError } from "../core/errors.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { GlobalSettings } from "./settings.ts";

type PolicySettings = Pick<GlobalSettings, "insecurePolicy" | "policyPath">;

/** What the trust policy would ask of an image, and where its signatures would be looked for. */
export function trustLines(
  environment: Environment,
  image: ImageReference,
  settings: PolicySettings,
): readonly string[] {
  return [
    `  policy scopes: ${lookupChain(image)
      .map((scope) => scope || '""')
      .join(", ")}`,
    `  policy: ${policyText(environment, image, settings)}`,
    ...(image.docker
      ? [
          `  look-aside: ${lookaside(environment)}/${image.docker.path}@ALGORITHM=DIGEST/signature-N`,
        ]
      : []),
  ];
}

function policyText(
  environment: Environment,
  image: ImageReference,
  { insecurePolicy, policyPath }: PolicySettings,
): string {
  if (insecurePolicy) return "insecureAcceptAnything (--insecure-policy)";
  try {
    const { path: file, bytes } = loadPolicyFile(environment, policyPath);
    const { requirements, from } = chooseRequirements(parsePolicy(bytes, file), image);
    return `${requirements.map(({ type }) => type).join(", ")} (${from} in ${file})`;
  } catch (error) {
    if (error instanceof KnownError) return error.message;
    throw error;
  }
}

/** Where signatures are kept if registries.d says nothing — `specs/signing.md` 3.1. */
function lookaside(environment: Environment): string {
  if (environment.uid === 0) return "file:///var/lib/containers/sigstore";
  const data = variable(environment, "XDG_DATA_HOME") ?? `${environment.home}/.local/share`;
  return `file://${data}/containers/sigstore`;
}
