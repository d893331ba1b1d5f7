import { PolicyError, type PolicyPath } from "./errors.ts";
import { needsSignature } from "./evaluate.ts";
import type { Finding } from "./finding.ts";
import type { KeyLintOptions } from "./lint-keys.ts";
import { lintRequirements } from "./lint-requirements.ts";
import { lintDockerScope, lintTransport, type ScopeFinding } from "./lint-scopes.ts";
import { lintTrust } from "./lint-trust.ts";
import { parsePolicy } from "./parse.ts";
import type { Policy, PolicyRequirements } from "./policy.ts";

/** What of the world the linter looks at. */
export interface LintOptions extends KeyLintOptions {
  /** The path free of links; undefined where nothing is there. Without it, links are not looked for. */
  readonly realPath?: (path: string) => Promise<string | undefined>;
  /** Whether registries.d has sigstore signatures read for images of a docker scope. Without it, that is not asked. */
  readonly readsSigstore?: (scope: string) => boolean;
}

/** Every list of requirements of a policy, with where it stands. */
interface Entry {
  readonly path: PolicyPath;
  readonly transport?: string;
  readonly scope?: string;
  readonly requirements: PolicyRequirements;
}

const dockerLike = ["docker", "atomic", "docker-daemon"];
const pathLike = ["dir", "oci", "oci-archive", "sif"];

/**
 * What in a policy is probably not what was meant (`specs/signing.md` 7), in the order of the file. A file that is no
 * policy gives one finding, `policy.invalid`.
 */
export async function lintPolicy(
  bytes: Uint8Array,
  file: string,
  options: LintOptions,
): Promise<readonly Finding[]> {
  let policy: Policy;
  try {
    policy = parsePolicy(bytes, file);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const { message, path, hint } = error;
    const found: Finding = { code: "policy.invalid", severity: "error", path, message };
    return [{ ...found, ...(hint !== undefined && { hint }) }];
  }
  const findings: Finding[] = [...(await lintMode(file, options)), ...lintDefault(policy)];
  for (const name of policy.transports.keys()) {
    findings.push(...placed(["transports", name], lintTransport(name)));
  }
  for (const entry of entriesOf(policy)) {
    findings.push(...placed(entry.path, await lintScope(entry, policy, options)));
    findings.push(...(await lintEntry(entry, options)));
  }
  return findings;
}

async function lintMode(
  file: string,
  { isWritableByAll }: LintOptions,
): Promise<readonly Finding[]> {
  if (!(await isWritableByAll?.(file))) return [];
  const message = `everybody may write to ${file}, and so decide whom to trust`;
  return [{ code: "policy.writable", severity: "error", path: [], message }];
}

function placed(path: PolicyPath, found: readonly ScopeFinding[]): readonly Finding[] {
  return found.map((finding) => ({ ...finding, path }));
}

function entriesOf(policy: Policy): readonly Entry[] {
  const scoped = [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) => ({
      path: ["transports", transport, scope],
      transport,
      scope,
      requirements,
    })),
  );
  return [{ path: ["default"], requirements: policy.default }, ...scoped];
}

function lintDefault({ default: requirements }: Policy): readonly Finding[] {
  if (!acceptsAnything(requirements)) return [];
  const message =
    "every image that no scope names is accepted unseen: reject by default, and name those to trust";
  return [{ code: "default.accepts-anything", severity: "warning", path: ["default"], message }];
}

async function lintScope(
  entry: Entry,
  policy: Policy,
  options: LintOptions,
): Promise<readonly ScopeFinding[]> {
  const { transport, scope } = entry;
  if (transport === undefined || scope === undefined) return [];
  const own = dockerLike.includes(transport) ? lintDockerScope(scope) : [];
  const path = pathLike.includes(transport) ? await lintPathScope(transport, scope, options) : [];
  return [...own, ...path, ...lintParent(entry, policy), ...lintAttachments(entry, options)];
}

async function lintPathScope(
  transport: string,
  scope: string,
  { realPath }: LintOptions,
): Promise<readonly ScopeFinding[]> {
  if (scope === "" || !realPath) return [];
  const real = await realPath(scope);
  if (real === undefined) {
    const tagged = transport !== "dir" && /:[^/]*$/.test(scope);
    const message = tagged
      ? `images of ${transport} are known by their path, without a name or tag`
      : "nothing is there";
    return [
      tagged
        ? { code: "scope.never-matches", severity: "warning", message }
        : { code: "scope.missing-path", severity: "info", message },
    ];
  }
  if (real === scope) return [];
  const message = `images are known by their path without links: write ${real}`;
  return [{ code: "scope.symlink", severity: "error", message }];
}

/** Nothing is inherited: a scope that checks nothing below one that does is a hole in that. */
function lintParent(
  { transport = "", scope = "", requirements }: Entry,
  { transports }: Policy,
): readonly ScopeFinding[] {
  if (!acceptsAnything(requirements)) return [];
  const wider = [...(transports.get(transport) ?? [])].find(
    ([other, asked]) => asked.some(needsSignature) && isBelow(scope, other),
  );
  if (!wider) return [];
  const message = `nothing is inherited: what "${wider[0]}" asks for is not asked for here`;
  return [{ code: "scope.weaker-than-parent", severity: "warning", message }];
}

function acceptsAnything(requirements: PolicyRequirements): boolean {
  return requirements.every(({ type }) => type === "insecureAcceptAnything");
}

function isBelow(scope: string, other: string): boolean {
  if (other === "" || scope === other) return false;
  if (other.startsWith("*.")) {
    const host = scope.split("/", 1)[0]?.replace(/:\d+$/, "") ?? "";
    return host.endsWith(other.slice(1));
  }
  return ["/", ":", "@"].some((mark) => scope.startsWith(other + mark)) && !isPortOf(scope, other);
}

/** `h:5000` is not below `h`. */
function isPortOf(scope: string, host: string): boolean {
  return !host.includes("/") && scope.startsWith(`${host}:`);
}

function lintAttachments(
  { transport, scope = "", requirements }: Entry,
  { readsSigstore }: LintOptions,
): readonly ScopeFinding[] {
  if (transport !== "docker" || !requirements.some(({ type }) => type === "sigstoreSigned"))
    return [];
  if (!readsSigstore || readsSigstore(scope)) return [];
  const message =
    "registries.d does not set use-sigstore-attachments for it: only signatures in a look-aside will be found";
  return [{ code: "sigstore.no-attachments", severity: "warning", message }];
}

async function lintEntry(
  { path, transport, scope, requirements }: Entry,
  options: LintOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = lintRequirements(requirements, transport, scope).map(
    ({ index, ...found }) => ({ ...found, path: [...path, index] }),
  );
  for (const [index, requirement] of requirements.entries()) {
    if (requirement.type !== "signedBy" && requirement.type !== "sigstoreSigned") continue;
    findings.push(...placed([...path, index], await lintTrust(requirement, options)));
  }
  return findings;
}
