import { type Digest, isDigest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { acceptedManifestTypes } from "../core/media-type.ts";
import { RegistryError, underCode } from "./errors.ts";
import { type FetchedDocument, fetchDocument } from "./fetch-document.ts";
import type { Reply } from "./reply.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";

/** A manifest as a registry gave it: not verified. */
export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  /** Advisory: some registries leave it out, some name another algorithm. */
  readonly digestHeader: Digest | undefined;
}

/** What HEAD tells of a manifest. "unknown": this registry does not say; a GET would. */
export type ManifestHead =
  | {
      readonly type: "held";
      readonly digest: Digest;
      readonly mediaType: string;
      /** Undefined where the answer has no length. */
      readonly size: number | undefined;
    }
  | { readonly type: "absent" }
  | { readonly type: "unknown" };

/** A call about one manifest. */
export interface ManifestCallOptions {
  readonly signal: AbortSignal;
  /** What errors say was being done, where it is part of something else. */
  readonly context?: string;
}

const accept = acceptedManifestTypes.join(", ");
const acceptHeaders = { accept };

/**
 * OCI distribution-spec § Pulling manifests.
 *
 * @throws {RegistryError} `registry.not-found` in all the ways that registries say so, and others
 */
export async function readManifest(
  state: RepositoryState,
  reference: string,
  { signal, context = `reading manifest ${reference} in ${state.name}` }: ManifestCallOptions,
): Promise<FetchedManifest> {
  const { reply, bytes } = await pulled(state, reference, signal);
  if (!bytes) throw await readFailure(reply, context);
  return { bytes, contentType: reply.header("content-type"), digestHeader: digestHeader(reply) };
}

/** Counts as a pull wherever those are counted. */
async function pulled(
  state: RepositoryState,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedDocument> {
  const { limits, wire } = state.channel;
  const end = await wire.signals.pulls.enter(signal);
  try {
    return await fetchDocument(state, {
      target: `manifests/${reference}`,
      accept,
      maxBytes: limits.manifestBytes,
      signal,
    });
  } finally {
    end();
  }
}

/** Harbor's proxy and Red Hat's registries say UNKNOWN and "not found" where MANIFEST_UNKNOWN is meant. */
async function readFailure(reply: Reply, context: string): Promise<RegistryError> {
  const error = await reply.toError(context);
  const [first] = error.entries;
  if (first?.code !== "UNKNOWN" || !/not found/i.test(first.message) || reply.status >= 500) {
    return error;
  }
  return underCode(error, "registry.not-found");
}

/** What a tag is likely to stand for. */
export interface LikelyManifest {
  readonly digest: Digest;
  readonly mediaType: string;
}

/** A HEAD of one manifest. */
export interface HeadOptions {
  readonly signal: AbortSignal;
  /** Asked for as RFC 9110 § 13.1.2 has it: a registry to which it still is that one need not read it. */
  readonly likely?: LikelyManifest;
}

/** The digest of a tag by HEAD, which costs no pull. */
export async function headManifest(
  state: RepositoryState,
  reference: string,
  { signal, likely }: HeadOptions,
): Promise<ManifestHead> {
  if (state.capabilities.headBroken) return { type: "unknown" };
  const reply = await sendTo(state, {
    method: "HEAD",
    target: `manifests/${reference}`,
    headers: acceptHeaders,
    ...(likely && { ownHeaders: { "if-none-match": `"${likely.digest}"` } }),
    lane: "metadata",
    signal,
  });
  const digest = digestHeader(reply);
  const mediaType = reply.header("content-type");
  const { status } = reply;
  if (status >= 500 || status === 429)
    throw await reply.toError(`reading manifest ${reference} in ${state.name}`);
  await reply.discard();
  if (status === 404) {
    state.contents.tagAbsent = true;
    return { type: "absent" };
  }
  if (status === 304 && likely) return stillHeld(likely, digest);
  if (status === 405) state.capabilities.headBroken = true;
  if (status !== 200 || !digest || !mediaType) return { type: "unknown" };
  return { type: "held", digest, mediaType, size: lengthOf(reply) };
}

/** By an answer of 304, unless it names another digest as well. */
function stillHeld({ digest, mediaType }: LikelyManifest, told: Digest | undefined): ManifestHead {
  if (told !== undefined && told !== digest) return { type: "unknown" };
  return { type: "held", digest, mediaType, size: undefined };
}

/** What a registry said to a manifest written. */
export interface WrittenManifest {
  /** Whether the registry took note of the manifest's `subject` — OCI distribution-spec § Pushing Manifests with Subject. */
  readonly subjectNoted: boolean;
  /** Of the tags asked for beside a digest those that it has now; none where the registry does not know of such. */
  readonly tagsTaken: readonly string[];
}

/** What a tag must stand for if it is to be moved: a manifest, or nothing yet. Registries may ignore it. */
export type Instead = Digest | "nothing";

/** How a manifest is written. */
export interface WriteOptions {
  readonly signal: AbortSignal;
  readonly instead?: Instead;
  /** Beside a digest: that is how a tag comes to stand for one that is no sha256 — OCI distribution-spec 1.2. */
  readonly tags?: readonly string[];
}

const refusedTypes: ReadonlySet<string> = new Set(["MANIFEST_INVALID", "TAG_INVALID"]);
const missingContent: ReadonlySet<string> = new Set([
  "MANIFEST_BLOB_UNKNOWN",
  "BLOB_UNKNOWN",
  "MANIFEST_UNKNOWN",
]);

/**
 * OCI distribution-spec § Pushing Manifests.
 *
 * @throws {RegistryError} `registry.manifest-refused` where another form may be tried; `registry.content-missing` where
 * blobs or instances are not there (what is known of the repository is then forgotten); `registry.changed` where the tag
 * does not stand for `instead`
 */
export async function writeManifest(
  state: RepositoryState,
  reference: string,
  manifest: RawManifest,
  { signal, instead, tags = [] }: WriteOptions,
): Promise<WrittenManifest> {
  const context = `uploading manifest ${reference} to ${state.name}`;
  const asked = tags.map((tag) => `tag=${tag}`).join("&");
  for (let attempt = 1; ; attempt++) {
    const reply = await sendTo(state, {
      method: "PUT",
      target: `manifests/${reference}${asked && `?${asked}`}`,
      headers: { "content-type": manifest.mediaType, ...conditionOf(instead) },
      body: manifest.bytes,
      lane: "metadata",
      signal,
    });
    if (reply.ok) return accepted(state, reply, manifest, context);
    const error = await writeFailure(reply, context);
    if (error.code !== "registry.content-missing" || attempt >= 3 || !isFresh(state)) {
      if (error.code === "registry.content-missing") state.contents.held.clear();
      throw error;
    }
    await state.channel.options.clock.sleep(500 * attempt, signal);
  }
}

function conditionOf(instead: Instead | undefined): Readonly<Record<string, string>> {
  if (instead === undefined) return {};
  return instead === "nothing" ? { "if-none-match": "*" } : { "if-match": `"${instead}"` };
}

/** Whether something was written so shortly before that the registry may not know of it everywhere. */
function isFresh(state: RepositoryState): boolean {
  return state.channel.options.clock.now() - state.writtenAt < 5000;
}

async function accepted(
  state: RepositoryState,
  reply: Reply,
  manifest: RawManifest,
  context: string,
): Promise<WrittenManifest> {
  await reply.discard();
  state.writtenAt = state.channel.options.clock.now();
  checkDigest(reply, manifest.digest, context);
  const tagsTaken = reply.headers("oci-tag").flatMap((text) => text.split(/\s*,\s*/));
  return { subjectNoted: reply.header("oci-subject") !== undefined, tagsTaken };
}

async function writeFailure(reply: Reply, context: string): Promise<RegistryError> {
  const { status } = reply;
  const error = await reply.toError(context);
  if (status === 412) return underCode(error, "registry.changed");
  const [first] = error.entries;
  const refused =
    status === 415 ||
    refusedTypes.has(first?.code ?? "") ||
    (first?.code === "UNSUPPORTED" && first.message.includes("Invalid JSON syntax")) ||
    (status === 500 && first?.code === "UNKNOWN"); // what distribution 2.8 says of an OCI manifest it cannot read
  if (refused) return underCode(error, "registry.manifest-refused");
  if (status === 404 || missingContent.has(first?.code ?? "")) {
    return underCode(error, "registry.content-missing");
  }
  return error;
}

/**
 * A digest told must be the one meant, unless it is of another algorithm: some registries rename what they hold.
 *
 * @throws {RegistryError} `registry.bad-response`
 */
export function checkDigest(reply: Reply, expected: Digest, context: string): void {
  const told = digestHeader(reply);
  if (told === undefined || told === expected) return;
  if (told.split(":")[0] !== expected.split(":")[0]) return;
  throw new RegistryError(
    "registry.bad-response",
    `${context}: the registry stored ${told} instead of ${expected}`,
    { status: reply.status },
  );
}

function digestHeader(reply: Reply): Digest | undefined {
  const text = reply.header("docker-content-digest")?.trim() ?? "";
  return isDigest(text) ? text : undefined;
}

/** The Content-Length of an answer. */
export function lengthOf(reply: Reply): number | undefined {
  const text = reply.header("content-length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
