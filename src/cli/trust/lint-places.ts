import { realpathSync, statSync } from "node:fs";
import type { Policy } from "../../../policy/policy.ts";
import { type RegistriesD, signaturePlaces } from "../../config/registries-d.ts";
import { parseDockerReference, repositoryName } from "../../core/docker-reference.ts";
import { dockerNamespaces } from "../../core/policy-scopes.ts";
import { entriesOf, type Finding } from "./findings.ts";

/** What is wrong with a policy in view of registries.d: signatures that it wants and that are never looked for. */
export function lintAttachments(policy: Policy, config: RegistriesD): readonly Finding[] {
  return entriesOf(policy).flatMap(({ place, requirements }) => {
    const index = requirements.findIndex(({ type }) => type === "sigstoreSigned");
    if (index < 0 || (place.transport !== undefined && place.transport !== "docker")) return [];
    if (areRead(config, place.scope ?? "")) return [];
    return [
      {
        level: "error",
        code: "attachments.off",
        place,
        requirement: index,
        message: "sigstore signatures are not looked for here: every image is refused",
        hint: `Set "use-sigstore-attachments: true" ${place.scope ? `for ${place.scope}` : "in default-docker"} in registries.d`,
      } as const,
    ];
  });
}

/** Whether they are for the scope, or at least for something in it. */
function areRead(config: RegistriesD, scope: string): boolean {
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

/** Scopes that are folders: policies compare where a link leads to. */
export function lintFolders(policy: Policy): readonly Finding[] {
  return entriesOf(policy).flatMap(({ place }) => {
    const { transport, scope = "" } = place;
    if (scope === "" || (transport !== "dir" && transport !== "oci" && transport !== "oci-archive"))
      return [];
    const real = realPath(scope);
    if (real === undefined || real === scope) return [];
    return [
      {
        level: "error",
        code: "scope.link",
        place,
        message: `no image is ever looked up under ${JSON.stringify(scope)}: it is a link`,
        hint: `Write ${JSON.stringify(real)}`,
      } as const,
    ];
  });
}

/** The policy itself. */
export function lintFile(path: string): readonly Finding[] {
  const WRITABLE_BY_ALL = 0o002;
  if ((statSync(path).mode & WRITABLE_BY_ALL) === 0) return [];
  const message = `${path}: everybody may write to it`;
  return [
    { level: "error", code: "policy.writable", place: {}, message, hint: `chmod o-w ${path}` },
  ];
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
