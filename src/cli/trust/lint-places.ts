import { realpath, stat } from "node:fs/promises";
import { type RegistriesD, signaturePlaces } from "../../config/registries-d.ts";
import { parseDockerReference, repositoryName } from "../../core/docker-reference.ts";
import { dockerNamespaces } from "../../core/policy-scopes.ts";

/** Whether sigstore signatures are read for a docker scope of a policy, or at least for something in it. */
export function readsSigstore(config: RegistriesD, scope: string): boolean {
  if (signaturePlaces(config, chainOf(scope)).attachments?.value === true) return true;
  const within = [...config.docker].filter(
    ([name]) => scope === "" || name.startsWith(`${scope}/`) || name.startsWith(`${scope}:`),
  );
  return within.some(([, section]) => section.useSigstoreAttachments === true);
}

function chainOf(scope: string): readonly string[] {
  if (scope === "" || scope.startsWith("*")) return [scope];
  try {
    const reference = parseDockerReference(scope.includes("/") ? scope : `${scope}/x`);
    const chain = dockerNamespaces(repositoryName(reference), reference.domain);
    return [scope, ...chain.slice(chain.indexOf(scope) + 1)];
  } catch {
    return [scope];
  }
}

/** The path free of links; undefined where nothing is there. */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

const writableByAll = 0o002;

/** Whether the mode of a file lets everybody write to it; false where nothing is there. */
export async function isWritableByAll(path: string): Promise<boolean> {
  try {
    return ((await stat(path)).mode & writableByAll) !== 0;
  } catch {
    return false;
  }
}
