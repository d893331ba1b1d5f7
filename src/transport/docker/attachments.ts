import { setTimeout as sleep } from "node:timers/promises";
import {
  type AttachedDocuments,
  type AttachmentBlob,
  attachmentManifest,
  attachmentTag,
  maxAttachmentBytes,
  parseAttachmentManifest,
  type SigstoreSignature,
  signatureOf,
} from "../../../sigstore/cosign/attachment.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { FetchedManifest } from "../../registry/manifests.ts";
import type { CallOptions, Repository } from "../../registry/repository.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { readBounded } from "../../stream/bounded.ts";
import { pool } from "../../stream/pool.ts";
import { unlessNotFound } from "./unless-not-found.ts";

const payloadsAtOnce = 4;
const triesToAdd = 12;
/** Who reads before us and moves the tag after us has this long to do so, and as long as we took ourselves twice. */
const shortestWaitMs = 150;
const longestWaitMs = 1000;

/** What reading attachments asks of a registry: `registry.not-found` for a tag that is not there. */
export type AttachmentSource = Pick<Repository, "name" | "readManifest" | "openBlob">;

/** `tell` is told, in skopeo's words, what is looked for and found. */
export interface ReadingOptions extends CallOptions {
  readonly tell?: ((text: string) => void) | undefined;
}

/**
 * The sigstore attachments of a manifest, kept under a tag of its own repository; empty where there are none. Every
 * layer is one, signature or not, and one that cannot be read fails them all — `specs/signing.md` 4.1.
 */
export async function readAttachments(
  repository: AttachmentSource,
  manifest: Digest,
  { signal, tell }: ReadingOptions,
): Promise<readonly SigstoreSignature[]> {
  tell?.(`Looking for sigstore attachments in ${nameOf(repository, manifest)}`);
  const found = await fetchAttachment(repository, manifest, signal);
  if (!found) return [];
  const { layers } = parseAttachmentManifest(
    found.bytes,
    typeOf(found),
    nameOf(repository, manifest),
  );
  tell?.(`Found a sigstore attachment manifest with ${layers.length} layers`);
  const signatures: SigstoreSignature[] = [];
  await pool(layers.entries(), payloadsAtOnce, signal, async ([position, layer], signal) => {
    signatures[position] = signatureOf(layer, await readBlob(repository, layer, signal));
  });
  return signatures;
}

/**
 * Adds those that are not there yet. The tag is moved only from what was read, where the registry heeds that; since many
 * do not, it is read again once those have had time who read it before it was moved. See docs/decisions/0030.
 *
 * @throws {SignatureError} `signature.store-failed` where others were faster each time
 */
export async function writeAttachments(
  repository: Repository,
  manifest: Digest,
  signatures: readonly SigstoreSignature[],
  { signal }: CallOptions,
): Promise<void> {
  let wrote = false;
  for (let attempt = 1; attempt <= triesToAdd; attempt++) {
    const started = performance.now();
    const outcome = await addOnce(repository, manifest, signatures, signal);
    if (outcome === "held") return;
    wrote ||= outcome === "written";
    const took = performance.now() - started;
    const wait = Math.min(Math.max(2 * took, shortestWaitMs), longestWaitMs);
    const apart = attempt > 1 || !wrote ? Math.random() * attempt : 0; // writers in step would go on colliding
    await sleep(wait * (1 + apart), undefined, { signal });
  }
  const held = await addOnce(repository, manifest, signatures, signal);
  if (held === "held") return;
  throw new SignatureError(
    "signature.store-failed",
    `writing sigstore attachments of ${manifest} in ${repository.name}: others changed them meanwhile, each time`,
    { retryable: true },
  );
}

async function addOnce(
  repository: Repository,
  manifest: Digest,
  signatures: readonly SigstoreSignature[],
  signal: AbortSignal,
): Promise<"held" | "written" | "changed"> {
  const found = await fetchAttachment(repository, manifest, signal);
  const attached = found && (await attachedDocuments(repository, manifest, found, signal));
  const documents = attachmentManifest(attached, signatures);
  if (!documents) return "held";
  for (const blob of [...documents.payloads, documents.config]) {
    await writeBlob(repository, blob, signal);
  }
  const { descriptor, bytes } = documents.manifest;
  const instead = found ? digestOf(found.bytes) : "nothing";
  try {
    const tag = attachmentTag(manifest);
    await repository.writeManifest(tag, { ...descriptor, bytes }, { signal, instead });
    return "written";
  } catch (error) {
    if (error instanceof RegistryError && error.code === "registry.changed") return "changed";
    throw error;
  }
}

async function attachedDocuments(
  repository: AttachmentSource,
  manifest: Digest,
  found: FetchedManifest,
  signal: AbortSignal,
): Promise<AttachedDocuments> {
  const where = nameOf(repository, manifest);
  const { config } = parseAttachmentManifest(found.bytes, typeOf(found), where);
  return { manifest: found.bytes, config: await readBlob(repository, config, signal) };
}

async function fetchAttachment(
  repository: AttachmentSource,
  manifest: Digest,
  signal: AbortSignal,
): Promise<FetchedManifest | undefined> {
  return await unlessNotFound(repository.readManifest(attachmentTag(manifest), { signal }));
}

function typeOf({ contentType = "" }: FetchedManifest): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function nameOf({ name }: AttachmentSource, manifest: Digest): string {
  return `${name}:${attachmentTag(manifest)}`;
}

async function readBlob(
  repository: AttachmentSource,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const context = `reading blob ${blob.digest} in ${repository.name}`;
  if (blob.size > maxAttachmentBytes) throw tooLarge(context);
  await using stream = await repository.openBlob(blob, { signal });
  return await readBounded(stream, maxAttachmentBytes, context);
}

function tooLarge(context: string): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `${context}: exceeded maximum allowed size of ${maxAttachmentBytes} bytes`,
  );
}

async function writeBlob(
  repository: Repository,
  { descriptor, bytes }: AttachmentBlob,
  signal: AbortSignal,
): Promise<void> {
  if ((await repository.adoptBlob(descriptor, [], { signal })) !== false) return;
  const open = async function* (from: number) {
    yield bytes.subarray(from);
  };
  await using stream = new BlobStream(descriptor, open, { reopens: true });
  await repository.writeBlob(stream, { signal });
}
