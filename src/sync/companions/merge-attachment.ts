import { isDeepStrictEqual } from "node:util";
import {
  type AttachmentBlob,
  attachmentManifest,
  maxAttachmentBytes,
  parseAttachmentManifest,
  signatureOf,
} from "../../../sigstore/cosign/attachment.ts";
import type { CopyEnd } from "../../copy/copy.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ImageWriter } from "../../transport/contract/image-destination.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";

/** What came of bringing signatures or attestations to others of the same image. */
export type Merged =
  /** The destination has nothing that the source has not: its own may take the place. */
  | { readonly type: "replaceable" }
  | { readonly type: "held" }
  | { readonly type: "merged"; readonly bytes: number };

/** Whether a digest tag is a list of documents that grows: each layer is one, and their order means nothing. */
export function isGrowing(tag: string): boolean {
  return /\.(?:sig|att)$/.test(tag);
}

/**
 * Adds the source's signatures or attestations to what the destination has under the same digest tag, where that has some
 * of its own: who mirrors may sign as well, and both count.
 *
 * @throws {SignatureError} `signature.store-failed` where one of them is no attachment of cosign's
 */
export async function mergeAttachment(
  from: CopyEnd,
  to: CopyEnd,
  call: CallOptions,
): Promise<Merged> {
  await using source = await from.transport.openSource(from.reference, call);
  await using held = await to.transport.openSource(to.reference, call);
  const theirs = await layersOf(source, call);
  const own = await layersOf(held, call);
  const isIn = (layer: Descriptor, others: readonly Descriptor[]) =>
    others.some((other) => isDeepStrictEqual(comparable(layer), comparable(other)));
  if (own.layers.every((layer) => isIn(layer, theirs.layers))) return { type: "replaceable" };
  const missing = theirs.layers.filter((layer) => !isIn(layer, own.layers));
  const signatures = await Promise.all(
    missing.map(async (layer) => signatureOf(layer, await read(source, layer, call))),
  );
  const attached = { manifest: own.bytes, config: await read(held, own.config, call) };
  const documents = attachmentManifest(attached, signatures);
  if (!documents) return { type: "held" };
  await using destination = await to.transport.openDestination(to.reference, call);
  const manifest = { ...documents.manifest.descriptor, bytes: documents.manifest.bytes };
  await using writer = await destination.openImage({ manifest, as: "top" }, call);
  const origin = source.origin ?? source.reference;
  for (const blob of [...documents.payloads, documents.config])
    await write(writer, blob, origin, call);
  await writer.writeManifest(manifest, call);
  await destination.commit(call);
  const bytes = documents.payloads.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return { type: "merged", bytes };
}

async function layersOf(source: ImageSource, call: CallOptions) {
  const { bytes, mediaType } = await source.readManifest("top", call);
  const where = formatImageReference(source.reference);
  return { bytes, ...parseAttachmentManifest(bytes, mediaType, where) };
}

function comparable({ mediaType, digest, size, annotations = {} }: Descriptor): object {
  return { mediaType, digest, size, annotations: { ...annotations } };
}

async function read(source: ImageSource, blob: Descriptor, call: CallOptions): Promise<Uint8Array> {
  await using stream = await source.openBlob(blob, call);
  return await readBounded(stream, maxAttachmentBytes, `reading blob ${blob.digest}`);
}

async function write(
  writer: ImageWriter,
  { descriptor, bytes }: AttachmentBlob,
  origin: ImageReference,
  call: CallOptions,
): Promise<void> {
  const place = { role: "other", positions: [] } as const;
  if ((await writer.adoptBlob(descriptor, place, origin, call)) !== false) return;
  const open = async function* (from: number) {
    yield bytes.subarray(from);
  };
  await using stream = new BlobStream(descriptor, open, { reopens: true });
  await writer.writeBlob(stream, place, call);
}
