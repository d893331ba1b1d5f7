import { setImmediate as nextTurn } from "node:timers/promises";
import type { Digest } from "../../core/digest.ts";
import { maxManifestBytes, type RawManifest } from "../../core/manifest.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { ManifestKept, ManifestPut } from "../v2/backend.ts";
import { createLockedFile } from "./locked-file.ts";
import { type ManifestParts, type NamedContent, readManifestParts } from "./manifest-parts.ts";
import type { RepositoryKey, StoreParts } from "./store-parts.ts";

/** Who puts a manifest, and what is asked of it. */
export interface PutContext {
  readonly name: string;
  readonly user: string | undefined;
  /** It comes from an upstream: what it names need not be here, and it may be evicted. */
  readonly cached: boolean;
  /** When it was seen to stand for its tags. */
  readonly at: number;
}

/** So often somebody else's removals may come in between. */
const maxAttempts = 20;

/**
 * Keeps a manifest with its tags: the file first, then all that is known of it in one step. Blobs that were there when that
 * was looked at are there in that step, since whoever removes some says so in the database.
 */
export async function putManifest(
  parts: StoreParts,
  put: ManifestPut,
  context: PutContext,
): Promise<ManifestKept> {
  const { manifest } = put;
  if (manifest.bytes.byteLength > maxManifestBytes) throw tooLarge();
  for (const tag of put.tags) refuseBadTag(tag);
  const content = readManifestParts(manifest);
  const { name } = context;
  parts.paths.layout(name); // a bad name leaves nothing behind
  const repository = { name, id: parts.records.makeRepository(name) };
  for (let attempt = 0; ; attempt++) {
    const swept = parts.records.swept(repository.id);
    if (!context.cached && parts.settings.references === "strict") {
      await refuseDangling(parts, repository, content.named);
    }
    const asBlob = await publish(parts, repository, manifest, !context.cached);
    const done = record(parts, repository, { put, content, context, swept, asBlob });
    if (done) break;
    if (attempt === maxAttempts) throw busy();
  }
  parts.memory.forget(name);
  await parts.openBlobs.forget(name, manifest.digest);
  parts.indexes.schedule();
  return { digest: manifest.digest, ...(content.subject && { subject: content.subject }) };
}

interface Recording {
  readonly put: ManifestPut;
  readonly content: ManifestParts;
  readonly context: PutContext;
  readonly swept: number;
  readonly asBlob: boolean;
}

/** False where blobs were removed meanwhile. */
function record(
  { database, records, changes }: StoreParts,
  repository: RepositoryKey,
  { put, content, context, swept, asBlob }: Recording,
): boolean {
  const { manifest, tags, instead } = put;
  const { cached, at, user } = context;
  return database.transaction(() => {
    if (records.swept(repository.id) !== swept) return false;
    for (const tag of instead === undefined ? [] : tags) {
      refuseOther(tag, records.byTag(repository.id, tag)?.digest, instead);
    }
    const id = changes.keepManifest({
      ...{ repository: repository.id, manifest, parts: content },
      ...{ cached, asBlob, at },
    });
    for (const tag of tags) {
      const change = { repository: repository.id, tag, at, user };
      changes.moveTag(change, { id, digest: manifest.digest });
    }
    changes.changed(repository.id);
    return true;
  });
}

/**
 * Gives whether the file was there already, and no manifest: it was pushed as a blob then. Nobody waits for the disk for what
 * an upstream has: it is looked at again when it is read.
 */
async function publish(
  parts: StoreParts,
  { name, id }: RepositoryKey,
  { bytes, digest }: RawManifest,
  durable: boolean,
): Promise<boolean> {
  const { blobs, records } = parts;
  await blobs.makeLayout(name, { durable });
  const before = await blobs.holds(name, digest, bytes);
  for (let held = before; held !== true; held = await blobs.holds(name, digest, bytes)) {
    if (held === false) await blobs.removeDamaged(name, digest);
    await writeBlob(parts, name, { bytes, digest }, durable);
  }
  if (durable) await blobs.sync(name, digest);
  return before === true && records.byDigest(id, digest) === undefined;
}

async function writeBlob(
  { blobs, paths, tryLock }: StoreParts,
  name: string,
  { bytes, digest }: Pick<RawManifest, "bytes" | "digest">,
  durable: boolean,
): Promise<void> {
  await using file = await createLockedFile(paths.uploads, "tmp-", tryLock);
  try {
    await file.append(bytes);
    if (durable) await file.sync();
    await blobs.publish(file.path, name, digest);
  } finally {
    await file.unlink();
  }
}

/** @throws {RegistryAnswerError} 404 MANIFEST_BLOB_UNKNOWN, 400 MANIFEST_INVALID */
async function refuseDangling(
  parts: StoreParts,
  repository: RepositoryKey,
  named: readonly NamedContent[],
): Promise<void> {
  const missing: Digest[] = [];
  for (const [index, content] of named.entries()) {
    if (index % 64 === 63) await nextTurn();
    const size = sizeOf(parts, repository, content);
    if (size === undefined) {
      if (content.required) missing.push(content.digest);
    } else if (size !== content.size) {
      const { digest } = content;
      throw new RegistryAnswerError("MANIFEST_INVALID", "size of content does not match", {
        status: 400,
        detail: { digest, size: content.size, actual: size },
      });
    }
  }
  if (missing.length === 0) return;
  throw new RegistryAnswerError(
    "MANIFEST_BLOB_UNKNOWN",
    "manifest references a manifest or blob unknown to registry",
    { status: 404, detail: missing.slice(0, 20).map((digest) => ({ digest })) },
  );
}

function sizeOf(
  { records, blobs }: StoreParts,
  { id, name }: RepositoryKey,
  { digest, instance }: NamedContent,
): number | undefined {
  return instance ? records.byDigest(id, digest)?.size : blobs.statSync(name, digest)?.size;
}

function refuseOther(
  tag: string,
  actual: Digest | undefined,
  wanted: ManifestPut["instead"],
): void {
  if ((actual ?? "nothing") === wanted) return;
  throw new RegistryAnswerError("DENIED", `tag ${tag} stands for something else`, {
    status: 412,
    detail: { tag, ...(actual && { digest: actual }) },
  });
}

function refuseBadTag(tag: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) return;
  throw new RegistryAnswerError("TAG_INVALID", "invalid tag", { status: 400 });
}

function tooLarge(): RegistryAnswerError {
  return new RegistryAnswerError(
    "SIZE_INVALID",
    `manifests may have ${maxManifestBytes} bytes at most`,
    { status: 413 },
  );
}

function busy(): RegistryAnswerError {
  return new RegistryAnswerError("UNAVAILABLE", "the repository is being cleaned up", {
    status: 503,
    retryable: true,
    headers: { "Retry-After": "1" },
  });
}
