import { opendir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import { unless } from "../../layout/errors.ts";
import type { GarbageReport } from "./registry-store.ts";
import { removeFiles, removeManifest } from "./removals.ts";
import { removeUnlocked } from "./remove-unlocked.ts";
import type { RepositoryKey, StoreParts } from "./store-parts.ts";
import { algorithms, digestOfFile } from "./store-paths.ts";
import { userMarkIn } from "./upload-names.ts";

/** A shared blob that no repository has any more is kept for so long, for a repository that wants it again. */
const sharedGraceMs = 10 * 60 * 1000;
/** What is made aside in one go takes no longer. */
const asideMs = 10 * 60 * 1000;
const batch = 64;

/**
 * Removes uploads that nobody goes on with, manifests that nothing holds (where the settings say so), blobs that no manifest
 * names, and shared blobs that no repository has. At the latest in the moment of removal each is looked at again, in a
 * transaction that excludes whoever begins to use it.
 */
export async function collectGarbage(parts: StoreParts): Promise<GarbageReport> {
  const gone = { uploads: await sweepUploads(parts), manifests: 0, blobs: 0, bytes: 0 };
  for (const repository of parts.records.repositories()) {
    gone.manifests += await sweepManifests(parts, repository);
    gone.blobs += await sweepBlobs(parts, repository);
  }
  gone.bytes = await sweepShared(parts);
  parts.report({ type: "garbage-collected", report: gone });
  return gone;
}

/** Removes what was left unfinished: at once where its process is dead, else when it is old. Gives how many went. */
export async function sweepUploads(parts: StoreParts): Promise<number> {
  let removed = 0;
  for (const name of await readdir(parts.paths.uploads)) {
    const path = join(parts.paths.uploads, name);
    const locked = /^(?:tmp|fill)-/.test(name);
    const lifeMs = locked ? Number.NEGATIVE_INFINITY : lifeOf(parts, name);
    const found = await unless(["ENOENT"], () => stat(path));
    if (found === undefined || found.mtimeMs > parts.now() - lifeMs) continue;
    if (await removeUnlocked(path, parts.tryLock)) removed++;
  }
  return removed;
}

function lifeOf({ settings }: StoreParts, name: string): number {
  return userMarkIn(name) || name.startsWith("kept-") ? settings.uploadExpiryMs : asideMs;
}

/** What a manifest is not to have: a tag, an index that it is of, a subject. */
const unheld = `m.cached = 0 and m.held_at < ?
  and not exists (select 1 from tags t where t.manifest = m.id)
  and not exists (select 1 from named n
    where n.digest = m.digest and n.repository = m.repository and n.instance = 1)
  and not exists (select 1 from manifests s where s.digest = m.subject and s.repository = m.repository)`;
const manifestPage = `select m.digest, ${unheld} as unheld from manifests m
  where m.repository = ? and m.digest > ? order by m.digest limit 500`;
const isUnheld = `select 1 from manifests m where ${unheld} and m.repository = ? and m.digest = ?`;

/** Over and over, since what an index held has nothing to hold it once that is gone. */
async function sweepManifests(parts: StoreParts, repository: RepositoryKey): Promise<number> {
  if (parts.settings.untaggedAfterMs === Number.POSITIVE_INFINITY) return 0;
  let removed = 0;
  for (let round = 1; round > 0; removed += round) round = await sweepOnce(parts, repository);
  return removed;
}

async function sweepOnce(parts: StoreParts, repository: RepositoryKey): Promise<number> {
  const { database, settings, now } = parts;
  const before = now() - settings.untaggedAfterMs;
  let removed = 0;
  for (let last = ""; ; ) {
    const rows = database.all(manifestPage, before, repository.id, last);
    if (rows.length === 0) return removed;
    for (const row of rows) {
      last = String(row["digest"]);
      const digest = row["digest"] as Digest;
      const still = () => database.get(isUnheld, before, repository.id, digest) !== undefined;
      if (row["unheld"] === 1 && (await removeManifest(parts, repository, digest, still)))
        removed++;
    }
    await nextTurn();
  }
}

async function sweepBlobs(parts: StoreParts, repository: RepositoryKey): Promise<number> {
  let removed = 0;
  for (const algorithm of algorithms) {
    const folder = join(parts.paths.layout(repository.name), "blobs", algorithm);
    for await (const digests of blobsIn(folder, algorithm)) {
      const doomed = digests.filter((digest) => isUnnamed(parts, repository, digest));
      if (doomed.length === 0) continue;
      const still = (digest: Digest) => isUnnamed(parts, repository, digest);
      removed += (await removeFiles(parts, repository, doomed, still)).length;
    }
  }
  return removed;
}

function isUnnamed(parts: StoreParts, { id, name }: RepositoryKey, digest: Digest): boolean {
  const { records, blobs, database } = parts;
  if (records.isNamed(id, digest) || records.byDigest(id, digest)) return false;
  const cached = "select 1 from cached_blobs where repository = ? and digest = ?";
  if (database.get(cached, id, digest)) return false;
  const found = blobs.statSync(name, digest);
  return !!found && found.changedAt < parts.now() - parts.settings.unreferencedAfterMs;
}

async function sweepShared({ paths, blobs, settings, now }: StoreParts): Promise<number> {
  const before = now() - Math.min(sharedGraceMs, settings.unreferencedAfterMs);
  let bytes = 0;
  for (const algorithm of algorithms) {
    for await (const digests of blobsIn(join(paths.blobs, algorithm), algorithm)) {
      for (const digest of digests) bytes += await blobs.freeShared(digest, before);
    }
  }
  return bytes;
}

/** The blobs in a folder, some at a time. */
async function* blobsIn(
  path: string,
  algorithm: DigestAlgorithm,
): AsyncGenerator<readonly Digest[], void> {
  const folder = await unless(["ENOENT"], () => opendir(path, { bufferSize: batch }));
  if (folder === undefined) return;
  let digests: Digest[] = [];
  for await (const { name } of folder) {
    const digest = digestOfFile(algorithm, name);
    if (digest !== undefined) digests.push(digest);
    if (digests.length < batch) continue;
    yield digests;
    digests = [];
  }
  yield digests;
}
