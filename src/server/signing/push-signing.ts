import { isDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import type { ServerCall } from "../caller.ts";
import type { PushedManifest, PushSigning } from "../push-signing.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { SigningError } from "./errors.ts";
import { gatherRequest, type ToBeSigned } from "./gather-request.ts";
import { decodeSignature, type SignAnswer } from "./messages.ts";
import { rulesFor } from "./rules.ts";
import type { SigningSettings } from "./settings.ts";
import type { SignerClient } from "./signer-client.ts";

/** What signing needs of the server. */
export interface PushSigningParts {
  readonly settings: SigningSettings;
  readonly signer: SignerClient;
  readonly signatures: ServedSignatures;
}

/** Signs pushes by the rules: the signatures stand before the manifest does. */
export function createPushSigning({ settings, signer, signatures }: PushSigningParts): PushSigning {
  return {
    async sign(pushed: PushedManifest, call: ServerCall) {
      if (pushed.tags.length === 0) return;
      const rules = rulesFor(settings, pushed.repository, call.caller.user);
      if (rules.length === 0) return;
      const all = rules.some(({ require }) => require === "verified");
      try {
        await signAndKeep({ ...pushed, why: "push" }, { signer, signatures, all }, call);
      } catch (error) {
        throw asAnswer(error);
      }
    },
  };
}

/** What {@link signAndKeep} works with. */
export interface Keeping {
  readonly signer: SignerClient;
  readonly signatures: ServedSignatures;
  readonly all: boolean;
}

/**
 * Has the signer sign, and keeps what it made. Gives the signatures that are new.
 *
 * @throws {SigningError}
 */
export async function signAndKeep(
  wanted: ToBeSigned,
  { signer, signatures, all }: Keeping,
  call: ServerCall,
): Promise<SignAnswer["signatures"]> {
  const request = await gatherRequest(wanted, { signatures, all }, call);
  const { signatures: made } = await signer.sign(request, call.signal);
  for (const { manifest, signature } of made) {
    if (!isDigest(manifest)) throw new SigningError("signing.bad-request", "a digest is none");
    await signatures.add(wanted.repository, manifest, [decodeSignature(signature)], call);
  }
  return made;
}

/** What whoever pushes is told: nothing unsigned becomes visible. */
export function asAnswer(error: unknown): unknown {
  if (!(error instanceof KnownError) || error instanceof RegistryAnswerError) return error;
  if (error.code === "signing.refused")
    return new RegistryAnswerError("DENIED", error.message, { status: 403, cause: error });
  if (error.code === "signing.bad-request" || error.code.startsWith("content."))
    return new RegistryAnswerError("MANIFEST_INVALID", error.message, {
      status: 400,
      cause: error,
    });
  // Trying again would not make room for it.
  if (error.code === "signature.store-limit")
    return new RegistryAnswerError("SIZE_INVALID", error.message, { status: 413, cause: error });
  return new RegistryAnswerError(
    "UNAVAILABLE",
    "what is pushed here is signed, and cannot be now",
    {
      status: 503,
      headers: { "Retry-After": "5" },
      cause: error,
    },
  );
}
