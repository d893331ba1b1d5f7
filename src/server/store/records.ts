import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { NamesPage, Page } from "../v2/backend.ts";
import type { Row, StoreDatabase } from "./database.ts";
import type { CachedTag, TagMove } from "./registry-store.ts";

/** What the database says of a manifest. */
export interface ManifestRecord {
  readonly id: number;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** It came from an upstream, and may be evicted. */
  readonly cached: boolean;
  /** Its bytes are a blob of the repository too. */
  readonly asBlob: boolean;
}

const maxAnnotations = 16 * 1024 * 1024;
const manifestColumns =
  "m.id, m.digest, m.media_type, m.size, m.cached, m.as_blob from manifests m";

/** Reads the database. Repositories are meant by their number. */
export class Records {
  readonly #database: StoreDatabase;
  /** They keep their number for ever. */
  readonly #numbers = new Map<string, number>();

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** Undefined where nothing was ever kept under that name. */
  repository(name: string): number | undefined {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const row = this.#database.get("select id from repositories where name = ?", name);
    if (row === undefined) return undefined;
    if (this.#numbers.size > 50_000) this.#numbers.clear();
    this.#numbers.set(name, Number(row["id"]));
    return Number(row["id"]);
  }

  /** The number of a repository that there is from now on. */
  makeRepository(name: string): number {
    const known = this.repository(name);
    if (known !== undefined) return known;
    this.#database.run("insert or ignore into repositories (name) values (?)", name);
    return this.repository(name) ?? 0;
  }

  /** All that there are, by name. */
  *repositories(): Generator<{ readonly id: number; readonly name: string }, void> {
    const sql = "select id, name from repositories where id > ? order by id limit 500";
    for (let last = 0; ; ) {
      const rows = this.#database.all(sql, last);
      for (const row of rows) yield { id: Number(row["id"]), name: String(row["name"]) };
      if (rows.length === 0) return;
      last = Number(rows.at(-1)?.["id"]);
    }
  }

  byTag(repository: number, tag: string): ManifestRecord | undefined {
    const sql = `select ${manifestColumns}
      join tags t on t.manifest = m.id where t.repository = ? and t.tag = ?`;
    return asRecord(this.#database.get(sql, repository, tag));
  }

  byDigest(repository: number, digest: Digest): ManifestRecord | undefined {
    const sql = `select ${manifestColumns} where m.repository = ? and m.digest = ?`;
    return asRecord(this.#database.get(sql, repository, digest));
  }

  tags(repository: number, { last = "", limit }: Page): NamesPage {
    const sql = "select tag from tags where repository = ? and tag > ? order by tag limit ?";
    const rows = this.#database.all(sql, repository, last, limit + 1);
    const names = rows.slice(0, limit).map((row) => String(row["tag"]));
    return { names, more: rows.length > limit };
  }

  tagsOf(manifest: number): readonly string[] {
    const rows = this.#database.all("select tag from tags where manifest = ?", manifest);
    return rows.map((row) => String(row["tag"]));
  }

  cachedTag(repository: number, tag: string): CachedTag | undefined {
    const sql = `select m.digest, t.checked_at from tags t join manifests m on m.id = t.manifest
      where t.repository = ? and t.tag = ?`;
    const row = this.#database.get(sql, repository, tag);
    return row && { digest: row["digest"] as Digest, checkedAt: Number(row["checked_at"]) };
  }

  /** Paths below `domain` of the repositories that hold a manifest. */
  paths(domain: string, { last, limit }: Page): NamesPage {
    const sql = `select name from repositories r where name > ? and name < ?
      and exists (select 1 from manifests m where m.repository = r.id) order by name limit ?`;
    const below = `${domain}/`;
    const rows = this.#database.all(sql, below + (last ?? ""), `${domain}0`, limit + 1);
    const names = rows.slice(0, limit).map((row) => String(row["name"]).slice(below.length));
    return { names, more: rows.length > limit };
  }

  /**
   * OCI distribution-spec § Listing Referrers. Annotations may be as long as manifests: past 16 MiB of them in all, the rest
   * are left out.
   */
  referrers(repository: number, subject: Digest): readonly Descriptor[] {
    const sql = `select digest, media_type, size, artifact_type,
        case when sum(coalesce(length(annotations), 0)) over (order by id) <= ? then annotations end as annotations
      from manifests where repository = ? and subject = ? order by id`;
    return this.#database.all(sql, maxAnnotations, repository, subject).map(asDescriptor);
  }

  /** Whether a manifest of the repository names it. */
  isNamed(repository: number, digest: Digest): boolean {
    const sql = "select 1 from named where digest = ? and repository = ? limit 1";
    return this.#database.get(sql, digest, repository) !== undefined;
  }

  /** The manifests of a repository that name a blob or an instance; 64 at most. */
  naming(repository: number, digest: Digest): readonly Digest[] {
    const sql = `select m.digest from named n join manifests m on m.id = n.manifest
      where n.digest = ? and n.repository = ? limit 64`;
    return this.#database.all(sql, digest, repository).map((row) => row["digest"] as Digest);
  }

  /** What manifests of the repository say of its size. */
  namedSize(repository: number, digest: Digest): number | undefined {
    const sql = "select size from named where digest = ? and repository = ? limit 1";
    const row = this.#database.get(sql, digest, repository);
    return row && Number(row["size"]);
  }

  /** Repositories with manifests that name it; 200 at most. */
  repositoriesNaming(digest: Digest): readonly string[] {
    const sql = `select distinct r.name from named n join repositories r on r.id = n.repository
      where n.digest = ? limit 200`;
    return this.#database.all(sql, digest).map((row) => String(row["name"]));
  }

  /** Changes whenever blobs were removed. */
  swept(repository: number): number {
    const row = this.#database.get("select swept from repositories where id = ?", repository);
    return Number(row?.["swept"]);
  }

  tagMoves(repository: number, tag: string): readonly TagMove[] {
    const sql = `select digest, at, user from tag_moves
      where repository = ? and tag = ? order by id desc limit 100`;
    return this.#database.all(sql, repository, tag).map((row) => ({
      digest: (row["digest"] ?? undefined) as Digest | undefined,
      at: Number(row["at"]),
      user: row["user"] === null ? undefined : String(row["user"]),
    }));
  }

  /** The one number that a query gives. */
  count(sql: string): number {
    return Number(this.#database.get(sql)?.["n"]);
  }
}

function asRecord(row: Row | undefined): ManifestRecord | undefined {
  return (
    row && {
      id: Number(row["id"]),
      digest: row["digest"] as Digest,
      mediaType: String(row["media_type"]),
      size: Number(row["size"]),
      cached: row["cached"] === 1,
      asBlob: row["as_blob"] === 1,
    }
  );
}

/** A row of `manifests` as a descriptor. */
export function asDescriptor(row: Row): Descriptor {
  const { artifact_type: artifactType, annotations } = row;
  return {
    mediaType: String(row["media_type"]),
    digest: row["digest"] as Digest,
    size: Number(row["size"]),
    ...(artifactType && { artifactType: String(artifactType) }),
    ...(annotations && { annotations: JSON.parse(String(annotations)) }),
  };
}
