import { parsePolicy } from "../../policy/parse.ts";
import { chooseRequirements, lookupChain } from "../../policy/scope.ts";
import type { Environment } from "../config/environment.ts";
import { loadPolicyFile } from "../config/load-policy-file.ts";
import { defaultLookasideFolder } from "../config/lookaside-folder.ts";
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
          `  look-aside: file://${defaultLookasideFolder(environment)}/${image.docker.path}@ALGORITHM=DIGEST/signature-N`,
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
