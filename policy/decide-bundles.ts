import { SignatureError } from "../sigstore/errors.ts";
import type { BundleVerifier, VerifiedSignature } from "../sigstore/verifiers.ts";
import { KnownError } from "../src/core/errors.ts";
import type { Decision } from "./decide-signed.ts";
import type { EvaluationState } from "./evaluation-state.ts";
import { loadBundleTrust } from "./load-trust.ts";
import type { BundleRequirement } from "./overlay.ts";
import type { Step } from "./verdict.ts";

/** Holds where each requirement of an overlay accepts at least one of the image's bundles. */
export async function decideBundles(
  requirements: readonly BundleRequirement[],
  state: EvaluationState,
): Promise<Decision> {
  const read = await readBundles(state);
  if ("decision" in read) return read.decision;
  const steps: Step[] = [...read.steps];
  const accepted: string[] = [];
  for (const requirement of requirements) {
    const judged = await judgeBundles(requirement, read.bundles, state);
    steps.push(...judged.steps);
    if (!judged.accepted) return refused(judged.steps, steps);
    accepted.push(judged.accepted.signedBy);
  }
  const message = `bundle signed by ${accepted.join(", and by ")}`;
  return { ok: true, code: "requirement.signed", message, steps };
}

interface JudgedBundles {
  readonly steps: readonly Step<"crypto">[];
  readonly accepted: VerifiedSignature | undefined;
}

async function judgeBundles(
  requirement: BundleRequirement,
  bundles: readonly Uint8Array[],
  { context, subject }: EvaluationState,
): Promise<JudgedBundles> {
  let verifier: Promise<BundleVerifier> | undefined;
  const steps: Step<"crypto">[] = [];
  for (const [index, bundle] of bundles.entries()) {
    const data = { signature: index };
    try {
      verifier ??= loadBundleTrust(requirement, context);
      const { claim, ...proof } = await (await verifier).verify(bundle, subject.manifestDigest);
      if (claim.manifestDigest !== subject.manifestDigest) throw wrongDigest();
      const message = `bundle ${index + 1} is made by ${proof.signedBy}`;
      const code = "crypto.verified";
      steps.push({ kind: "crypto", ok: true, code, message, data: { ...data, ...proof } });
      return { steps, accepted: { claim, ...proof } };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { code, message } = error;
      steps.push({ kind: "crypto", ok: false, code, message, data });
    }
  }
  return { steps, accepted: undefined };
}

function refused(last: readonly Step<"crypto">[], steps: readonly Step[]): Decision {
  const reasons = last.map(({ message }) => message);
  if (reasons.length === 0) {
    const message = "A bundle was required, but no bundle exists";
    return { ok: false, code: "requirement.not-signed", message, steps };
  }
  const all = `None of the bundles were accepted, reasons: ${reasons.join("; ")}`;
  const message = reasons.length === 1 ? (reasons[0] ?? all) : all;
  return { ok: false, code: "requirement.none-accepted", message, steps };
}

type BundlesRead =
  | { readonly bundles: readonly Uint8Array[]; readonly steps: readonly Step[] }
  | { readonly decision: Decision };

async function readBundles({ subject }: EvaluationState): Promise<BundlesRead> {
  const data = { simpleSigning: 0, sigstore: 0 };
  try {
    const bundles = (await subject.bundles?.()) ?? [];
    const message = `${bundles.length} bundles`;
    const step = { kind: "fetch", ok: true, code: "fetch.done", message } as const;
    return { bundles, steps: [{ ...step, data: { ...data, bundles: bundles.length } }] };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const failed = { ok: false, code: "fetch.failed", message: error.message } as const;
    const steps = [{ kind: "fetch", ...failed, data } as const];
    return { decision: { ...failed, steps, cause: error } };
  }
}

function wrongDigest(): SignatureError {
  return new SignatureError("signature.bad-payload", "The bundle is about another manifest");
}
