import type { UntrustedSignature } from "../sigstore/signature.ts";
import type { SignatureVerifier, VerifiedSignature } from "../sigstore/verifiers.ts";
import type { PolicyContext } from "./context.ts";
import { judgeSignature } from "./judge-signature.ts";
import { trustOnce } from "./load-trust.ts";
import type { Policy, PolicyRequirement } from "./policy.ts";
import { chooseRequirements } from "./scope.ts";
import type { PolicySubject } from "./subject.ts";

/** A signature whose author the policy accepts, and what it proves. */
export interface AcceptedSignature {
  /** Its number among the image's, from 0. */
  readonly index: number;
  readonly verified: VerifiedSignature;
}

/** What a requirement makes of one signature; undefined where it has no opinion on signatures. */
type Opinion = (
  index: number,
  signature: UntrustedSignature,
) => Promise<VerifiedSignature | "rejected" | undefined>;

/**
 * The simple-signing signatures that at least one requirement accepts and none rejects (`specs/signing.md` 1.4). For
 * display: that there is one does not mean that the image is allowed.
 *
 * @throws what reading the signatures throws
 */
export async function acceptedAuthors(
  policy: Policy,
  subject: PolicySubject,
  context: PolicyContext,
): Promise<readonly AcceptedSignature[]> {
  const { requirements } = chooseRequirements(policy, subject.reference);
  const opinions = requirements.map((requirement) => opinionOf(requirement, subject, context));
  const accepted: AcceptedSignature[] = [];
  for (const [index, signature] of (await subject.signatures()).entries()) {
    if (signature.format !== "simple-signing") continue;
    const verified = await agreed(opinions, index, signature);
    if (verified) accepted.push({ index, verified });
  }
  return accepted;
}

async function agreed(
  opinions: readonly Opinion[],
  index: number,
  signature: UntrustedSignature,
): Promise<VerifiedSignature | undefined> {
  let accepted: VerifiedSignature | undefined;
  for (const ask of opinions) {
    const opinion = await ask(index, signature);
    if (opinion === "rejected") return undefined;
    accepted ??= opinion;
  }
  return accepted;
}

function opinionOf(
  requirement: PolicyRequirement,
  subject: PolicySubject,
  context: PolicyContext,
): Opinion {
  switch (requirement.type) {
    case "insecureAcceptAnything":
    case "signedBaseLayer":
      return async () => undefined;
    case "reject":
    case "sigstoreSigned":
      return async () => "rejected";
    case "signedBy": {
      const verifier: () => Promise<SignatureVerifier> = trustOnce(requirement, context);
      const match = requirement.signedIdentity;
      return async (index, signature) => {
        const judged = await judgeSignature({ index, signature, subject, match, verifier });
        return judged.accepted ?? "rejected";
      };
    }
  }
}
