import {
  type KeyDescription,
  type KeyFile,
  type KeyFinding,
  type KeyKind,
  type KeyLintOptions,
  lintKeyFile,
} from "./lint-keys.ts";
import type { SignedRequirement } from "./load-trust.ts";
import { keySources, type NamedKeySource } from "./requirement-keys.ts";

/** Looks at every key of a requirement, as the evaluation would find it now. */
export async function lintTrust(
  requirement: SignedRequirement,
  options: KeyLintOptions,
): Promise<readonly KeyFinding[]> {
  const findings: KeyFinding[] = [];
  for (const source of keySources(requirement)) {
    const kind = kindOf(requirement, source.member);
    const files = filesOf(source);
    const keys: (readonly KeyDescription[] | undefined)[] = [];
    for (const file of files) {
      const found = await lintKeyFile(file, kind, options);
      findings.push(...found.findings);
      keys.push(found.keys);
    }
    findings.push(...lintUnion(kind, keys, options));
  }
  return findings;
}

function filesOf({ member, source }: NamedKeySource): readonly KeyFile[] {
  if ("paths" in source) return source.paths.map((path) => ({ name: path, path }));
  return source.data.map((bytes) => ({ name: `${member}Data`, bytes }));
}

function kindOf({ type }: SignedRequirement, member: string): KeyKind {
  if (type === "signedBy") return "openpgp";
  return member.includes(".ca") ? "certificates" : "public-key";
}

/** What is wrong with all keys of a source together: that none of them can make a signature count. */
function lintUnion(
  kind: KeyKind,
  files: readonly (readonly KeyDescription[] | undefined)[],
  { describeKeys, now }: KeyLintOptions,
): readonly KeyFinding[] {
  const isUseless = ({ expires, revoked }: KeyDescription) =>
    revoked === true || (expires !== undefined && expires <= now);
  const known = describeKeys !== undefined && !files.includes(undefined);
  const keys = files.flatMap((found) => found ?? []);
  if (kind === "openpgp" && (files.length === 0 || (known && keys.length === 0))) {
    const message = "no public key is imported: every image is refused";
    return [{ code: "key.imports-nothing", severity: "error", message }];
  }
  if (!known || keys.length === 0 || !keys.every(isUseless)) return [];
  const message = "every key has expired or is revoked: no image passes";
  return [{ code: "key.expired", severity: "error", message }];
}
