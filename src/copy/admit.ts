import type { Gate } from "../../policy/gate.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { RawManifest } from "../core/manifest.ts";
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
  await gate.admit({ reference: source.reference, manifestDigest: manifest.digest, signatures });
  return { manifest, signatures: options.carrySignatures ? await signatures() : [] };
}
