import type { Gate } from "../../policy/gate.ts";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import { algorithmOf, type Digest } from "../core/digest.ts";
import { manifestDigest, type RawManifest } from "../core/manifest.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import { readingSignatures } from "./failure.ts";

/** A manifest that the gate has let in. The plan takes nothing else. */
export interface AdmittedImage {
  readonly manifest: RawManifest;
  /** What the copy carries along; empty under `--remove-signatures`. */
  readonly signatures: readonly UntrustedSignature[];
}

/** What is asked besides whether an image may come in. */
export interface AdmitOptions {
  readonly carrySignatures: boolean;
  readonly signal: AbortSignal;
  /** Told of what is let in, before its signatures are read to be carried along; they are not where this fails. */
  readonly onReading?: () => void | Promise<void>;
}

/** @throws {PolicyError} `policy.refused`; a policy that needs no signatures has none fetched on its behalf */
export async function admit(
  source: ImageSource,
  gate: Gate,
  manifest: RawManifest,
  options: AdmitOptions,
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
      ...(source.readBundles && {
        bundles: async () => (await source.readBundles?.(manifest.digest, { signal })) ?? [],
      }),
    });
  } catch (error) {
    signal.throwIfAborted(); // what is then told is why, not what it broke
    throw error;
  }
  return await withSignatures(manifest, signatures, options);
}

/** An index whose instances the gate is asked about, each by itself: it is let in with the signatures it has. */
export async function admitIndex(
  source: ImageSource,
  index: RawManifest,
  options: AdmitOptions,
): Promise<AdmittedImage> {
  const { signal } = options;
  return await withSignatures(
    index,
    () => source.readSignatures(index.digest, { signal }),
    options,
  );
}

async function withSignatures(
  manifest: RawManifest,
  read: () => Promise<readonly UntrustedSignature[]>,
  { carrySignatures, onReading }: AdmitOptions,
): Promise<AdmittedImage> {
  if (!carrySignatures) return { manifest, signatures: [] };
  await onReading?.();
  return { manifest, signatures: await readingSignatures(read) };
}

/** What signatures of a manifest are about: the sha256, also of one that was asked for by another digest. */
export function signedDigest({ digest, bytes }: RawManifest): Digest {
  return algorithmOf(digest) === "sha256" ? digest : manifestDigest(bytes);
}
