import type { UntrustedSignature } from "../sigstore/signature.ts";
import { KnownError } from "../src/core/errors.ts";
import type { EvaluationState } from "./evaluation-state.ts";
import { type JudgedSignature, judgeSignature } from "./judge-signature.ts";
import { type SignedRequirement, trustOnce } from "./load-trust.ts";
import type { Step, StepCode } from "./verdict.ts";

/** What one requirement says of an image, and the steps that it took. */
export interface Decision {
  readonly ok: boolean;
  readonly code: StepCode;
  /** Of a refusal, the reference's text. */
  readonly message: string;
  readonly steps: readonly Step[];
  readonly validUntil?: Date;
  /** The failure underneath a refusal, where something could not be read. */
  readonly cause?: unknown;
}

/** The media type of a sigstore signature among the attachments of an image — cosign's signature specification. */
export const sigstoreSignatureType = "application/vnd.dev.cosign.simplesigning.v1+json";

/** Holds where at least one simple-signing signature is accepted — containers-policy.json(5) § signedBy. */
export const decideSignedBy = (
  requirement: Extract<SignedRequirement, { readonly type: "signedBy" }>,
  state: EvaluationState,
): Promise<Decision> =>
  decideSigned(requirement, state, (signature) => signature.format === "simple-signing");

/** Holds where at least one sigstore signature is accepted — containers-policy.json(5) § sigstoreSigned. */
export const decideSigstoreSigned = (
  requirement: Extract<SignedRequirement, { readonly type: "sigstoreSigned" }>,
  state: EvaluationState,
): Promise<Decision> =>
  decideSigned(
    requirement,
    state,
    (signature) => signature.format === "sigstore" && signature.mediaType === sigstoreSignatureType,
  );

async function decideSigned(
  requirement: SignedRequirement,
  state: EvaluationState,
  isCandidate: (signature: UntrustedSignature) => boolean,
): Promise<Decision> {
  const read = await readSignatures(state);
  if (!read.ok) return read.decision;
  const steps: Step[] = [read.step];
  const reasons: string[] = [];
  const verifier = trustOnce(requirement, state.context);
  for (const [index, signature] of read.signatures.entries()) {
    if (!isCandidate(signature)) continue;
    const { subject } = state;
    const match = requirement.signedIdentity;
    const judged = await judgeSignature({ index, signature, subject, match, verifier });
    steps.push(await signatureStep(index, signature, judged, state), ...judged.steps);
    const { accepted } = judged;
    if (accepted) {
      const { signedBy, validUntil } = accepted;
      const message = `signed by ${signedBy}`;
      const until = validUntil && { validUntil };
      return { ok: true, code: "requirement.signed", message, steps, ...until };
    }
    reasons.push(judged.steps.at(-1)?.message ?? "");
  }
  return refusal(requirement, read.signatures, reasons, steps);
}

type SignaturesRead =
  | {
      readonly ok: true;
      readonly step: Step<"fetch">;
      readonly signatures: readonly UntrustedSignature[];
    }
  | { readonly ok: false; readonly decision: Decision };

async function readSignatures(state: EvaluationState): Promise<SignaturesRead> {
  try {
    const signatures = await state.signatures();
    const { length: simpleSigning } = signatures.filter(({ format }) => format !== "sigstore");
    const data = { simpleSigning, sigstore: signatures.length - simpleSigning };
    const message = `${simpleSigning} simple signing, ${data.sigstore} sigstore`;
    return {
      ok: true,
      signatures,
      step: { kind: "fetch", ok: true, code: "fetch.done", message, data },
    };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const failed = { ok: false, code: "fetch.failed", message: error.message } as const;
    const data = { simpleSigning: 0, sigstore: 0 };
    const steps = [{ kind: "fetch", ...failed, data } as const];
    return { ok: false, decision: { ...failed, steps, cause: error } };
  }
}

async function signatureStep(
  index: number,
  signature: UntrustedSignature,
  { accepted }: JudgedSignature,
  { context }: EvaluationState,
): Promise<Step<"signature">> {
  const untrusted = await context.verifiers.describe(signature);
  return {
    kind: "signature",
    ok: accepted !== undefined,
    code: accepted ? "signature.accepted" : "signature.rejected",
    message: accepted ? `signature ${index + 1} is accepted` : `signature ${index + 1} is rejected`,
    data: { signature: index, untrusted },
  };
}

/** The texts of `specs/signing.md` 1.4. */
function refusal(
  { type }: SignedRequirement,
  signatures: readonly UntrustedSignature[],
  reasons: readonly string[],
  steps: readonly Step[],
): Decision {
  const [first, ...more] = reasons;
  if (first === undefined) {
    const message = `A signature was required, but no signature exists${othersSeen(type, signatures)}`;
    return { ok: false, code: "requirement.not-signed", message, steps };
  }
  const all = `None of the signatures were accepted, reasons: ${reasons.join("; ")}`;
  const message = more.length === 0 ? first : all;
  return { ok: false, code: "requirement.none-accepted", message, steps };
}

/** What signatures there are that `sigstoreSigned` does not look at. */
function othersSeen(
  type: SignedRequirement["type"],
  signatures: readonly UntrustedSignature[],
): string {
  if (type === "signedBy" || signatures.length === 0) return "";
  const { length: attachments } = signatures.filter(({ format }) => format === "sigstore");
  const others = signatures.length - attachments;
  return ` (${others} non-sigstore signatures, ${attachments} sigstore non-signature attachments)`;
}
