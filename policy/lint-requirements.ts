import { comparableText } from "./comparable.ts";
import type { FindingCode, Severity } from "./finding.ts";
import type { PolicyRequirement, PolicyRequirements, SignedIdentity } from "./policy.ts";

/** A finding about a list of requirements, at one of them. */
export interface RequirementFinding {
  /** From 0. */
  readonly index: number;
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
}

type Signed = Extract<PolicyRequirement, { readonly type: "signedBy" | "sigstoreSigned" }>;

/** Transports whose images carry no signatures: none is ever found there. */
const withoutSignatures = [
  "oci",
  "oci-archive",
  "docker-archive",
  "docker-daemon",
  "tarball",
  "sif",
];
/** The transport whose images have signatures, and no name that they could claim. */
const withoutNames = "dir";

/** @param transport undefined for the policy's default, which is for all of them */
export function lintRequirements(
  requirements: PolicyRequirements,
  transport: string | undefined,
  scope = "",
): readonly RequirementFinding[] {
  return [
    ...lintList(requirements),
    ...requirements.flatMap((requirement, index) =>
      lintOne(requirement, transport, scope).map((finding) => ({ index, ...finding })),
    ),
  ];
}

function lintList(requirements: PolicyRequirements): readonly RequirementFinding[] {
  const texts = requirements.map((requirement) => comparableText(requirement));
  const findings: RequirementFinding[] = [];
  const add = (index: number, code: FindingCode, message: string) =>
    findings.push({ index, code, severity: "warning", message });
  for (const [index, { type }] of requirements.entries()) {
    const same = texts.indexOf(texts[index] ?? "");
    if (same < index) add(index, "requirement.duplicate", `the same as requirement ${same + 1}`);
    else if (type === "insecureAcceptAnything" && requirements.length > 1) {
      add(index, "requirement.adds-nothing", "all of a list must hold: this one always does");
    } else if (requirements.slice(0, index).some((before) => before.type === "reject")) {
      add(index, "requirement.never-reached", "a reject before it refuses every image");
    } else if (isSecond(requirements, index)) {
      const message =
        "all of a list must hold: the image needs a signature for each; put keys that can stand in for each other into one keyPaths";
      add(index, "requirement.all-needed", message);
    }
  }
  return findings;
}

/** Whether a list of keys before it could have held this one's too. */
function isSecond(requirements: PolicyRequirements, index: number): boolean {
  const [kind, ...before] = requirements
    .slice(0, index + 1)
    .map(kindOfKeys)
    .reverse();
  return kind !== undefined && before.includes(kind);
}

function kindOfKeys(requirement: PolicyRequirement): string | undefined {
  const { type } = requirement;
  if (type === "signedBy") return type;
  return type === "sigstoreSigned" && requirement.identity.type === "keys" ? type : undefined;
}

type Found = Omit<RequirementFinding, "index">;

function lintOne(
  requirement: PolicyRequirement,
  transport: string | undefined,
  scope: string,
): readonly Found[] {
  switch (requirement.type) {
    case "insecureAcceptAnything":
    case "reject":
      return [];
    case "signedBaseLayer":
      return [notImplemented("signedBaseLayer is implemented nowhere: it refuses every image")];
    case "signedBy":
      if (requirement.keyType !== "GPGKeys") {
        const message = `keyType ${requirement.keyType} is implemented nowhere: it refuses every image`;
        return [notImplemented(message)];
      }
      return lintSigned(requirement, transport, scope);
    case "sigstoreSigned":
      return [...lintSigned(requirement, transport, scope), ...lintSigstore(requirement)];
  }
}

function notImplemented(message: string): Found {
  return { code: "requirement.not-implemented", severity: "error", message };
}

function lintSigned(
  { signedIdentity }: Signed,
  transport: string | undefined,
  scope: string,
): readonly Found[] {
  if (transport === undefined) return [];
  if (withoutSignatures.includes(transport)) {
    const message = `images of ${transport} carry no signatures: none will pass`;
    return [{ code: "transport.no-signatures", severity: "error", message }];
  }
  if (transport === withoutNames && needsImageName(signedIdentity)) {
    const message = `images of ${transport} have no name to compare with: only exactReference and exactRepository can match`;
    return [{ code: "identity.never-matches", severity: "error", message }];
  }
  return transport === "docker" ? lintRemap(signedIdentity, scope) : [];
}

/** A remap whose prefix no image of the scope begins with. */
function lintRemap(identity: SignedIdentity, scope: string): readonly Found[] {
  if (identity.type !== "remapIdentity" || scope === "" || scope.startsWith("*")) return [];
  const { prefix } = identity;
  const name = scope.replace(/@.*$/, "").replace(/(\/[^/]*):[^/]*$/, "$1");
  if (name === prefix || name.startsWith(`${prefix}/`) || prefix.startsWith(`${name}/`)) return [];
  const message = `the prefix "${prefix}" is that of no image in this scope: nothing is remapped`;
  return [{ code: "identity.idle-remap", severity: "warning", message }];
}

function needsImageName({ type }: SignedIdentity): boolean {
  return type !== "exactReference" && type !== "exactRepository";
}

function lintSigstore({
  identity,
  signedIdentity,
}: Extract<Signed, { readonly type: "sigstoreSigned" }>): readonly Found[] {
  const found: Found[] = [];
  const { type } = signedIdentity;
  if (type !== "matchRepository" && type !== "exactRepository") {
    const message = `cosign signs repositories without a tag, which ${type} never matches: matchRepository would`;
    found.push({ code: "identity.cosign", severity: "info", message });
  }
  if (identity.type === "keys") return found;
  const { subjectEmail } = identity;
  if (subjectEmail !== undefined && !/^[^\s@/]+@[^\s@/]+$/.test(subjectEmail)) {
    const message = `"${subjectEmail}" is compared with e-mail addresses only: the URI that certifies a CI job is not looked at`;
    found.push({ code: "identity.fulcio", severity: "error", message });
  }
  if (identity.type === "fulcio" && !/^https:\/\/[^/\s]+/.test(identity.oidcIssuer)) {
    const message = `"${identity.oidcIssuer}" is no issuer: one is an https URL, compared letter by letter`;
    found.push({ code: "identity.fulcio", severity: "warning", message });
  }
  if (identity.type === "pki") {
    const message = "certificates are checked as of now: signatures stop counting when theirs ends";
    found.push({ code: "key.expires-soon", severity: "info", message });
  }
  return found;
}
