import { setImmediate as nextTurn } from "node:timers/promises";
import type { Digest } from "../../core/digest.ts";
import type { Row } from "./database.ts";
import type { EvictLimits, GarbageReport } from "./registry-store.ts";
import { removeFiles, removeManifest } from "./removals.ts";
import type { RepositoryKey, StoreParts } from "./store-parts.ts";

/** Each content once, however many repositories have it. */
const cachedBytes = `select coalesce(sum(size), 0) as n from (
  select digest, max(size) as size from (
    select digest, size from cached_blobs union all select digest, size from manifests where cached = 1)
  group by digest)`;

/** The longest unused first. What a manifest that is here to stay names stays. */
const blobsByUse = `select c.digest, c.size, r.id, r.name
  from cached_blobs c join repositories r on r.id = c.repository
  where c.used_at < ? and not exists (select 1 from named n join manifests m on m.id = n.manifest
    where n.digest = c.digest and n.repository = c.repository and m.cached = 0)
  order by c.used_at limit ?`;

/** Tags keep their manifests, indexes their instances, and subjects what refers to them. */
const manifestsByUse = `select m.digest, m.size, r.id, r.name
  from manifests m join repositories r on r.id = m.repository
  where m.cached = 1 and m.used_at < ?
  and not exists (select 1 from tags t where t.manifest = m.id)
  and not exists (select 1 from named n where n.digest = m.digest and n.repository = m.repository)
  and not exists (select 1 from manifests s where s.digest = m.subject and s.repository = m.repository)
  order by m.used_at limit ?`;

const batch = 50;

interface Candidate {
  readonly digest: Digest;
  readonly size: number;
  readonly repository: RepositoryKey;
}

/** How many bytes can be evicted, and what else hangs on them. */
export function countCachedBytes({ records }: Pick<StoreParts, "records">): number {
  return records.count(cachedBytes);
}

/** As {@link StoreCache.evict}. */
export async function evict(
  parts: StoreParts,
  { maxBytes, lowBytes, minAgeMs }: EvictLimits,
): Promise<GarbageReport> {
  parts.uses.write();
  const gone = { uploads: 0, manifests: 0, blobs: 0, bytes: 0 };
  let held = countCachedBytes(parts);
  if (held <= maxBytes) return gone;
  const before = parts.now() - minAgeMs;
  while (held > lowBytes) {
    const blobs = candidates(parts, blobsByUse, before);
    for (const blob of blobs) {
      if (held <= lowBytes) break;
      gone.bytes += await evictBlob(parts, blob);
      gone.blobs++;
      held -= blob.size;
    }
    const manifests = blobs.length > 0 ? [] : candidates(parts, manifestsByUse, before);
    for (const manifest of manifests) {
      gone.bytes += await evictManifest(parts, manifest);
      gone.manifests++;
    }
    if (blobs.length + manifests.length === 0) break;
    held = countCachedBytes(parts); // what two repositories had counts until both have lost it
    await nextTurn();
  }
  parts.report({ type: "evicted", report: gone });
  return gone;
}

function candidates({ database }: StoreParts, sql: string, before: number): readonly Candidate[] {
  return database.all(sql, before, batch).map((row: Row) => ({
    digest: row["digest"] as Digest,
    size: Number(row["size"]),
    repository: { id: Number(row["id"]), name: String(row["name"]) },
  }));
}

async function evictBlob(parts: StoreParts, { repository, digest }: Candidate): Promise<number> {
  const sql = "select 1 from cached_blobs where repository = ? and digest = ?";
  const stillCached = () => parts.database.get(sql, repository.id, digest) !== undefined;
  await removeFiles(parts, repository, [digest], stillCached);
  dropRow(parts, repository, digest);
  return await parts.blobs.freeShared(digest);
}

/** Where a manifest has the same bytes, the blob is the file of that: only its row goes. */
function dropRow({ database }: StoreParts, { id }: RepositoryKey, digest: Digest): void {
  database.run("delete from cached_blobs where repository = ? and digest = ?", id, digest);
}

async function evictManifest(
  parts: StoreParts,
  { repository, digest }: Candidate,
): Promise<number> {
  const unheld = (manifest: { readonly id: number; readonly cached: boolean }) =>
    manifest.cached &&
    parts.records.tagsOf(manifest.id).length === 0 &&
    !parts.records.isNamed(repository.id, digest);
  await removeManifest(parts, repository, digest, unheld);
  return await parts.blobs.freeShared(digest);
}
