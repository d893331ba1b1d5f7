import type { Claim, UntrustedSignature } from "../../sigstore/signature.ts";
import type { Signer } from "../../sigstore/signer.ts";
import type { Digest } from "../core/digest.ts";
import {
  type DockerReference,
  formatDockerReference,
  repositoryName,
} from "../core/docker-reference.ts";
import { CopyError } from "../core/errors.ts";
import { formatImageReference, type TransportName } from "../core/image-reference.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { Report } from "./events.ts";
import { telling } from "./failure.ts";

/** Who signs what a copy writes, and under which name. */
export interface Signing {
  /** In the order in which they sign. */
  readonly signers: readonly Signer[];
  /** What the signatures claim; by default the destination's own name. */
  readonly identity?: DockerReference;
}

/** Which manifest is signed, and of what else it has signatures. */
export interface ToSign {
  readonly manifest: Digest;
  /** Signatures that will stand beside those made. */
  readonly carried: readonly UntrustedSignature[];
  readonly of: "image" | "list";
}

/**
 * Refuses, before any byte moves, what could not be signed or whose signatures could not be kept. skopeo says the same
 * when all the layers are there.
 *
 * @throws {CopyError} `copy.unsupported` where nothing names the image; `copy.signatures-would-be-lost`
 */
export async function checkSigning(
  signing: Signing | undefined,
  destination: ImageDestination,
  manifest: Digest,
  call: CallOptions,
): Promise<void> {
  if (!signing || signing.signers.length === 0) return;
  identityOf(signing, destination);
  const { reference, traits } = destination;
  const formats = [...new Set(signing.signers.map(({ format }) => format))];
  if (formats.every((format) => traits.signatureFormats.includes(format))) {
    return await telling("writing signatures", "copy.destination-failed", async () =>
      destination.checkSignatureFormats?.(manifest, formats, call),
    );
  }
  throw new CopyError(
    "copy.signatures-would-be-lost",
    `writing signatures: ${whyNotKept(reference.transport)}`,
    { hint: "Sign where signatures can be kept: in a registry, or in a dir: folder" },
  );
}

const whyUnsigned: Readonly<Partial<Record<TransportName, string>>> = {
  oci: "Pushing signatures for OCI images is not supported",
  "oci-archive": "Pushing signatures for OCI images is not supported",
  "docker-archive": "Storing signatures for docker tar files is not supported",
  "docker-daemon": "Storing signatures for docker tar files is not supported",
};

/** Why a transport cannot keep signatures, in skopeo's words. */
export function whyNotKept(transport: TransportName): string {
  return whyUnsigned[transport] ?? "Storing signatures there is not supported";
}

/**
 * Signs a manifest that is written already. A signer that has signed exactly this before, in what is carried along or
 * stands at the destination, signs nothing more.
 *
 * @returns the signatures made
 * @throws {CopyError} `copy.destination-failed` with what the signer said
 */
export async function makeSignatures(
  signing: Signing | undefined,
  toSign: ToSign,
  destination: ImageDestination,
  call: CallOptions & { readonly report: Report },
): Promise<readonly UntrustedSignature[]> {
  const { signers } = signing ?? { signers: [] };
  if (!signing || signers.length === 0) return [];
  const claim = claimOf(signing, destination, toSign.manifest);
  const formats = [...new Set(signers.map(({ format }) => format))];
  const standing = await telling("reading signatures", "copy.destination-failed", async () =>
    destination.readSignatures?.(toSign.manifest, formats, call),
  );
  const known = [...toSign.carried, ...(standing ?? [])];
  const made: UntrustedSignature[] = [];
  for (const [position, signer] of signers.entries()) {
    const count = signers.length;
    const during = count === 1 ? "creating signature" : `creating signature ${position + 1}`;
    const isMade = await telling(during, "copy.destination-failed", () =>
      hasMadeOne(signer, known, claim),
    );
    if (isMade) continue;
    const { of, manifest } = toSign;
    call.report({ type: "signing", of, format: signer.format, position: position + 1, count });
    const { signal } = call;
    made.push(
      await telling(during, "copy.destination-failed", () => signer.sign(claim, { signal })),
    );
    call.report({ type: "signed", manifest, keyId: signer.keyId });
  }
  return made;
}

async function hasMadeOne(
  signer: Signer,
  signatures: readonly UntrustedSignature[],
  claim: Claim,
): Promise<boolean> {
  for (const signature of signatures) {
    if (await signer.hasMade(signature, claim)) return true;
  }
  return false;
}

function claimOf(signing: Signing, destination: ImageDestination, manifestDigest: Digest): Claim {
  const { tag, digest, ...name } = identityOf(signing, destination);
  // Of a name with both, the tag is what a pull by tag compares; a pull by digest compares the repository only.
  const identity =
    tag === undefined ? { ...name, digest: digest ?? manifestDigest } : { ...name, tag };
  return { manifestDigest, dockerReference: formatDockerReference(identity) };
}

function identityOf({ identity }: Signing, { reference }: ImageDestination): DockerReference {
  if (identity && identity.tag === undefined && identity.digest === undefined) {
    throw new CopyError(
      "copy.unsupported",
      `Sign identity must be a fully specified reference ${repositoryName(identity)}`,
      { hint: "Add a tag to --sign-identity" },
    );
  }
  const named = identity ?? reference.docker;
  if (named) return named;
  throw new CopyError(
    "copy.unsupported",
    `Cannot determine canonical Docker reference for destination ${formatImageReference(reference)}`,
    { hint: "Say with --sign-identity what the image is to be known by" },
  );
}
