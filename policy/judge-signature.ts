import { SignatureError } from "../sigstore/errors.ts";
import type { UntrustedSignature } from "../sigstore/signature.ts";
import type { SignatureVerifier, VerifiedSignature } from "../sigstore/verifiers.ts";
import { algorithmOf } from "../src/core/digest.ts";
import { type DockerReference, formatDockerReference } from "../src/core/docker-reference.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { ImageReference } from "../src/core/image-reference.ts";
import type { SignedIdentity } from "./policy.ts";
import { matchesIdentity } from "./signed-identity.ts";
import type { PolicySubject } from "./subject.ts";
import type { Step, StepData } from "./verdict.ts";

/** What is asked of one signature. */
export interface SignatureQuestion {
  /** Its number among the image's, from 0. */
  readonly index: number;
  readonly signature: UntrustedSignature;
  readonly subject: PolicySubject;
  readonly match: SignedIdentity;
  /** Rejects with {@link SignatureError} where what is trusted cannot be read. */
  readonly verifier: () => Promise<SignatureVerifier>;
}

/** What became of one signature: accepted with what it proves, or not, and then the last step says why. */
export interface JudgedSignature {
  readonly steps: readonly Step<"crypto" | "payload" | "digest" | "identity">[];
  readonly accepted: VerifiedSignature | undefined;
}

/**
 * Judges one signature, in the order that decides which text is given: cryptography, payload, digest, identity
 * (`specs/signing.md` 1.5). Nothing it says is looked at before it is verified.
 */
export async function judgeSignature(question: SignatureQuestion): Promise<JudgedSignature> {
  const { index: signature } = question;
  const verified = await verify(question);
  if (verified instanceof SignatureError) {
    const { code, message } = verified;
    const kind = code === "signature.bad-payload" ? "payload" : "crypto";
    const step = { kind, ok: false, code, message, data: { signature } } as const;
    return { steps: [step], accepted: undefined };
  }
  const { claim, ...proof } = verified;
  const steps: JudgedSignature["steps"][number][] = [
    {
      kind: "crypto",
      ok: true,
      code: "crypto.verified",
      message: `made by ${proof.signedBy}`,
      data: { signature, ...proof },
    },
    {
      kind: "payload",
      ok: true,
      code: "payload.parsed",
      message: "what was signed is a claim about an image",
      data: { signature },
    },
  ];
  const digest = digestStep(question, verified);
  steps.push(digest);
  if (!digest.ok) return { steps, accepted: undefined };
  const identity = identityStep(question, claim.dockerReference);
  steps.push(identity);
  return { steps, accepted: identity.ok ? verified : undefined };
}

async function verify(question: SignatureQuestion): Promise<VerifiedSignature | SignatureError> {
  try {
    const verifier = await question.verifier();
    return await verifier.verify(question.signature);
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}

/** Only a sha256 ever matches, as in the reference: a claim by another algorithm is one about no manifest of ours. */
function digestStep({ index, subject }: SignatureQuestion, { claim }: VerifiedSignature) {
  const claimed = claim.manifestDigest;
  const actual = subject.manifestDigest;
  const ok = algorithmOf(claimed) === "sha256" && claimed === actual;
  return {
    kind: "digest",
    ok,
    code: ok ? "digest.matches" : "digest.differs",
    message: ok ? `it is about ${actual}` : `Signature for digest ${claimed} does not match`,
    data: { signature: index, claimed, actual },
  } as const;
}

/**
 * The name a signature is to claim. In a registry `name:tag@digest` is found by its digest: the policy knows it as
 * `name@digest`, and so does whoever compares names.
 */
function intendedName({ transport, docker }: ImageReference): DockerReference | undefined {
  if (transport !== "docker" || docker?.digest === undefined) return docker;
  const { domain, path, digest } = docker;
  return { domain, path, digest };
}

function identityStep({ index, subject, match }: SignatureQuestion, claimed: string | undefined) {
  const docker = intendedName(subject.reference);
  const ok = matchesIdentity(match, docker, claimed);
  const data: StepData["identity"] = {
    signature: index,
    match,
    ...(claimed !== undefined && { claimed }),
    ...(docker && { intended: formatDockerReference(docker) }),
  };
  return {
    kind: "identity",
    ok,
    code: ok ? "identity.matches" : "identity.differs",
    message: ok
      ? `it may be called ${docker ? formatDockerReference(docker) : claimed}`
      : `Signature for identity ${goQuote(claimed ?? "")} is not accepted`,
    data,
  } as const;
}
