import type { Digest } from "../../core/digest.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { ManifestRecord } from "./records.ts";
import type { RepositoryKey, StoreParts } from "./store-parts.ts";

/** Takes one tag away. False where there is none. */
export async function removeTag(
  parts: StoreParts,
  repository: RepositoryKey,
  tag: string,
  user: string | undefined,
): Promise<boolean> {
  const { database, changes, memory, indexes } = parts;
  const change = { repository: repository.id, tag, at: parts.now(), user };
  const removed = database.transaction(() => {
    if (!changes.removeTag(change)) return false;
    changes.changed(repository.id);
    return true;
  });
  memory.forget(repository.name);
  if (removed) indexes.schedule();
  return removed;
}

/** Takes a manifest away with all its tags, where `when` still says so in the moment of it. False where it does not. */
export async function removeManifest(
  parts: StoreParts,
  repository: RepositoryKey,
  digest: Digest,
  when: (manifest: ManifestRecord) => boolean,
  user?: string,
): Promise<boolean> {
  const { database, records, changes, memory, indexes } = parts;
  const at = parts.now();
  const removed = database.transaction(() => {
    const manifest = records.byDigest(repository.id, digest);
    if (manifest === undefined || !when(manifest)) return false;
    for (const tag of records.tagsOf(manifest.id)) {
      changes.removeTag({ repository: repository.id, tag, at, user });
    }
    changes.removeManifest(manifest);
    changes.changed(repository.id);
    return manifest;
  });
  memory.forget(repository.name);
  if (removed === false) return false;
  indexes.schedule();
  if (!removed.asBlob) await removeFiles(parts, repository, [digest], () => true);
  return true;
}

/** @throws {RegistryAnswerError} 405 where a manifest names it, and the settings mind */
export async function removeBlob(
  parts: StoreParts,
  repository: RepositoryKey,
  digest: Digest,
): Promise<boolean> {
  const { records, changes, database, settings, openBlobs } = parts;
  if (!settings.deleteReferencedBlobs && records.isNamed(repository.id, digest)) {
    throw new RegistryAnswerError("DENIED", "blob is in use by a manifest", { status: 405 });
  }
  const manifest = records.byDigest(repository.id, digest);
  if (manifest === undefined) {
    return (await removeFiles(parts, repository, [digest], () => true)).length > 0;
  }
  if (!manifest.asBlob) return false;
  database.transaction(() => changes.setAsBlob(manifest.id, false));
  parts.memory.forget(repository.name);
  await openBlobs.forget(repository.name, digest);
  return true;
}

/**
 * Takes a repository's names of blobs away that are no manifests, where `when` says so in the moment of it: a transaction, in
 * which nobody can begin to count on one. Gives those that went.
 */
export async function removeFiles(
  parts: StoreParts,
  repository: RepositoryKey,
  digests: readonly Digest[],
  when: (digest: Digest) => boolean,
): Promise<readonly Digest[]> {
  const { database, records, changes, blobs, openBlobs } = parts;
  const removed: Digest[] = [];
  try {
    database.transaction(() => {
      for (const digest of digests) {
        if (records.byDigest(repository.id, digest) !== undefined || !when(digest)) continue;
        const sql = "delete from cached_blobs where repository = ? and digest = ?";
        database.run(sql, repository.id, digest);
        if (blobs.removeSync(repository.name, digest)) removed.push(digest);
      }
      if (removed.length > 0) changes.sweeps(repository.id);
    });
  } catch (error) {
    // Nobody has been told of them: they must not be gone.
    for (const digest of removed) await blobs.adopt(undefined, repository.name, digest);
    throw error;
  }
  for (const digest of removed) await openBlobs.forget(repository.name, digest);
  return removed;
}
