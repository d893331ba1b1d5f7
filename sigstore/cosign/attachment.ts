import { isDeepStrictEqual } from "node:util";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { ContentError } from "../../src/core/errors.ts";
import { type ImageManifest, parseImageManifest } from "../../src/core/image-manifest.ts";
import { refuseMixedManifest } from "../../src/core/manifest-type.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { SignatureError } from "../errors.ts";
import type { UntrustedSignature } from "../signature.ts";

/** A signature as sigstore has it: what is signed, and everything else as annotations. */
export type SigstoreSignature = Extract<UntrustedSignature, { format: "sigstore" }>;

/** Of a layer that is a signature; every other layer of an attachment is carried and proves nothing. */
export const signatureMediaType = "application/vnd.dev.cosign.simplesigning.v1+json";

/** The annotations of a signature, by what they hold — `specs/signing.md` 4.1. */
export const annotationKeys = {
  /** Base64 of the signature over the payload. */
  signature: "dev.cosignproject.cosign/signature",
  /** Rekor's signed entry timestamp, JSON. */
  set: "dev.sigstore.cosign/bundle",
  /** The signer's certificate, PEM. */
  certificate: "dev.sigstore.cosign/certificate",
  /** What leads from it to a root, PEM; the last is the root. */
  chain: "dev.sigstore.cosign/chain",
} as const;

/** A signature, a config and a manifest may each have 4 MiB. */
export const maxAttachmentBytes = 4 * 1024 * 1024;

/** A document of an attachment, with the descriptor it is stored under. */
export interface AttachmentBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What has to be written, in this order, for the signatures of one manifest to be found. */
export interface AttachmentDocuments {
  /** Only those that were not there before. */
  readonly payloads: readonly AttachmentBlob[];
  readonly config: AttachmentBlob;
  readonly manifest: AttachmentBlob;
}

/** What is there already, read from {@link attachmentTag}. */
export interface AttachedDocuments {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}

/** The tag, in the image's own repository, of the signatures of `manifest`: `sha256-<hex>.sig`. */
export function attachmentTag(manifest: Digest): string {
  return `${manifest.replace(":", "-")}.sig`;
}

/**
 * What an attachment manifest points at. The blob of every layer has to be read, checked against its descriptor, and
 * given to {@link signatureOf}; the config only before signatures are added.
 *
 * @param mediaType as the registry gave it: only OCI's manifest is one
 * @param where for the message: the reference it was read from
 * @throws {SignatureError} `signature.store-failed`
 */
export function parseAttachmentManifest(
  bytes: Uint8Array,
  mediaType: string,
  where: string,
): { readonly config: Descriptor; readonly layers: readonly Descriptor[] } {
  if (mediaType !== mediaTypes.ociManifest) {
    throw failed(
      `unexpected MIME type for sigstore attachment manifest ${where}: ${JSON.stringify(mediaType)}`,
    );
  }
  return parseAttachment(bytes, where);
}

/** One layer, and the blob that it names, as a signature. */
export function signatureOf(layer: Descriptor, payload: Uint8Array): SigstoreSignature {
  const { mediaType, annotations = {} } = layer;
  return { format: "sigstore", mediaType, payload, annotations };
}

/**
 * The documents that hold `signatures` besides those that are `attached` already; undefined where all of them are
 * there. An existing manifest and config are kept and added to.
 *
 * @throws {SignatureError} `signature.store-failed` where what is attached cannot be read
 */
export function attachmentManifest(
  attached: AttachedDocuments | undefined,
  signatures: readonly SigstoreSignature[],
): AttachmentDocuments | undefined {
  const layers: Descriptor[] = attached
    ? [...parseAttachment(attached.manifest, "of sigstore attachments").layers]
    : [];
  const payloads: AttachmentBlob[] = [];
  for (const signature of signatures) {
    const descriptor = layerOf(signature);
    if (layers.some((layer) => isDeepStrictEqual(comparable(layer), comparable(descriptor)))) {
      continue;
    }
    layers.push(descriptor);
    payloads.push({ descriptor, bytes: signature.payload });
  }
  if (payloads.length === 0) return undefined;
  const config = configWith(attached?.config, payloads);
  const manifest = document(mediaTypes.ociManifest, {
    ...(attached && (JSON.parse(Buffer.from(attached.manifest).toString()) as object)),
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: config.descriptor,
    layers,
  });
  return { payloads, config, manifest };
}

function layerOf({ mediaType, payload, annotations }: SigstoreSignature): Descriptor {
  return { mediaType, digest: digestOf(payload), size: payload.length, annotations };
}

function comparable({ mediaType, digest, size, annotations = {} }: Descriptor): object {
  return { mediaType, digest, size, annotations: { ...annotations } };
}

/** OCI's config asks for the digests of layers; everything else of it may be empty. */
function configWith(
  existing: Uint8Array | undefined,
  added: readonly AttachmentBlob[],
): AttachmentBlob {
  const config = existing ? parseConfig(existing) : { architecture: "", os: "", config: {} };
  const rootfs = (config["rootfs"] ?? {}) as Readonly<Record<string, unknown>>;
  const before = Array.isArray(rootfs["diff_ids"]) ? rootfs["diff_ids"] : [];
  const diffIds = [...before, ...added.map(({ descriptor }) => descriptor.digest)];
  return document(mediaTypes.ociConfig, {
    ...config,
    rootfs: { ...rootfs, type: "layers", diff_ids: diffIds },
  });
}

function parseConfig(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw failed("parsing sigstore attachment config: it is no JSON", cause);
  }
  throw failed("parsing sigstore attachment config: it is no JSON object");
}

function parseAttachment(bytes: Uint8Array, where: string): ImageManifest {
  const mediaType = mediaTypes.ociManifest;
  try {
    const manifest = parseImageManifest({ mediaType, digest: digestOf(bytes), bytes });
    refuseMixedManifest(bytes, mediaType); // what others read as an index must not be a list of signatures to us
    return manifest;
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    throw failed(`parsing manifest ${where}: ${cause.message}`, cause);
  }
}

function document(mediaType: string, value: unknown): AttachmentBlob {
  const bytes = Buffer.from(JSON.stringify(value));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function failed(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.store-failed", message, { cause });
}
