import type { Gate } from "../../policy/gate.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import { algorithmOf, type Digest } from "../core/digest.ts";
import { manifestDigest, type RawManifest } from "../core/manifest.ts";
import type { ImageSource } from "../transport/contract.ts";

/** A manifest that the gate has let in. The plan takes nothing else. */
export interface AdmittedImage {
  readonly manifest: RawManifest;
  /** What the copy carries along; empty under `--remove-signatures`. */
  readonly signatures: readonly UntrustedSignature[];
}

/** @throws {PolicyError} `policy.refused`; a policy that needs no signatures has none fetched on its behalf */
export async function admit(
  source: ImageSource,
  gate: Gate,
  manifest: RawManifest,
  options: { readonly carrySignatures: boolean; readonly signal: AbortSignal },
): Promise<AdmittedImage> {
  const { signal } = options;
  let read: Promise<readonly UntrustedSignature[]> | undefined;
  const signatures = () => {
    read ??= source.readSignatures(manifest.digest, { signal });
    return read;
  };
  try {
    await gate.admit({
      reference: source.reference,
      manifestDigest: signedDigest(manifest),
      signatures,
    });
  } catch (error) {
    signal.throwIfAborted(); // what is then told is why, not what it broke
    throw error;
  }
  return { manifest, signatures: options.carrySignatures ? await signatures() : [] };
}

/** Signatures are made over the sha256, also of a manifest that was asked for by another. */
function signedDigest({ digest, bytes }: RawManifest): Digest {
  return algorithmOf(digest) === "sha256" ? digest : manifestDigest(bytes);
}
