import type {
  PolicyRequirement,
  PolicyRequirements,
  SignedIdentity,
} from "../../../policy/policy.ts";
import { keyNames } from "../../../policy/requirement-keys.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { PolicyEntry, Remark } from "./findings.ts";

/** Transports whose places keep no signatures — `specs/signing.md` 3.4. */
const unsigned = ["oci", "oci-archive", "docker-archive", "docker-daemon", "sif", "tarball"];
/** Transports whose images have no name that a signature could claim — `specs/signing.md` 1.6. */
const nameless = ["dir", "oci", "oci-archive", "sif", "tarball"];

type Signed = Extract<PolicyRequirement, { readonly type: "signedBy" | "sigstoreSigned" }>;

/** What is wrong with the requirements of an entry, each by itself and beside the others. */
export function lintRequirements({ place, requirements }: PolicyEntry): readonly Remark[] {
  const { transport } = place;
  return [
    ...lintTogether(requirements),
    ...requirements.flatMap((requirement, index) =>
      lintOne(requirement, transport, place.scope ?? "").map((remark) => ({
        ...remark,
        requirement: index,
      })),
    ),
  ];
}

function lintTogether(requirements: PolicyRequirements): readonly Remark[] {
  if (requirements.length === 1) return [];
  const has = (type: PolicyRequirement["type"]) => requirements.some((one) => one.type === type);
  const remarks: Remark[] = [];
  const warn = (code: string, message: string, hint?: string) =>
    remarks.push({ level: "warning", code, message, ...(hint !== undefined && { hint }) });
  if (has("reject")) warn("entry.reject-among-others", "reject refuses whatever stands beside it");
  if (has("insecureAcceptAnything"))
    warn(
      "entry.accept-among-others",
      "insecureAcceptAnything takes nothing away from what stands beside it",
    );
  for (const type of ["signedBy", "sigstoreSigned"] as const) {
    const alike = requirements.filter((one) => one.type === type) as Signed[];
    if (new Set(alike.map((one) => keyNames(one).join("\0"))).size > 1)
      warn(
        "entry.every-key",
        `there are ${alike.length} ${type} requirements: an image needs a signature for each`,
        "Put the keys into one requirement's keyPaths if a signature by either is enough",
      );
  }
  return remarks;
}

function lintOne(
  requirement: PolicyRequirement,
  transport: string | undefined,
  scope: string,
): readonly Remark[] {
  if (requirement.type === "signedBaseLayer")
    return [error("requirement.not-implemented", "signedBaseLayer refuses every image")];
  if (requirement.type !== "signedBy" && requirement.type !== "sigstoreSigned") return [];
  if (transport !== undefined && unsigned.includes(transport)) {
    const message = `${transport}: keeps no signatures, so every image is refused`;
    return [error("requirement.no-signatures", message)];
  }
  return [
    ...lintKeyType(requirement),
    ...lintIdentity(requirement.signedIdentity, transport, scope),
    ...lintCosignNames(requirement),
  ];
}

function lintKeyType(requirement: Signed): readonly Remark[] {
  if (requirement.type !== "signedBy" || requirement.keyType === "GPGKeys") return [];
  const message = `keyType ${goQuote(requirement.keyType)} is not implemented: every image is refused`;
  return [error("requirement.key-type", message)];
}

function lintIdentity(
  identity: SignedIdentity,
  transport: string | undefined,
  scope: string,
): readonly Remark[] {
  const isFixed = identity.type === "exactReference" || identity.type === "exactRepository";
  if (!isFixed && transport !== undefined && nameless.includes(transport)) {
    return [
      error(
        "identity.nameless",
        `images in ${transport}: have no name for ${identity.type} to compare, so every one is refused`,
        "Use exactReference or exactRepository",
      ),
    ];
  }
  if (identity.type !== "remapIdentity" || transport !== "docker" || scope === "") return [];
  const { prefix } = identity;
  const meets = [scope, prefix].some((a) =>
    [scope, prefix].some((b) => a !== b && (a.startsWith(`${b}/`) || a.startsWith(`${b}:`))),
  );
  if (meets || scope === prefix || scope.startsWith("*.")) return [];
  const message = `remapIdentity's prefix ${goQuote(prefix)} names nothing in ${goQuote(scope)}`;
  return [{ level: "warning", code: "identity.idle-remap", message }];
}

/** cosign signs repositories, without a tag: only some matchers take that. */
function lintCosignNames(requirement: Signed): readonly Remark[] {
  const { type } = requirement.signedIdentity;
  if (requirement.type !== "sigstoreSigned") return [];
  if (type !== "matchRepoDigestOrExact" && type !== "matchExact") return [];
  return [
    {
      level: "warning",
      code: "identity.cosign",
      message: `signatures that cosign makes name no tag, and are refused by ${type}`,
      hint: "Use matchRepository where cosign signs",
    },
  ];
}

function error(code: string, message: string, hint?: string): Remark {
  return { level: "error", code, message, ...(hint !== undefined && { hint }) };
}
