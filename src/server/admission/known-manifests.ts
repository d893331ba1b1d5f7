import type { Digest } from "../../core/digest.ts";
import type { Report } from "../server-event.ts";
import type { Database, Row } from "./database.ts";
import type { ManifestShape } from "./manifest-shape.ts";

/** A manifest that was asked for here. */
export interface KnownManifest {
  readonly digest: Digest;
  /** By which signatures know it: its sha256. */
  readonly signed: Digest;
  readonly type: ManifestShape["type"] | "attachment";
  /** The tags it was admitted under; "" where by digest. Whether it still is, is asked when it matters. */
  readonly admittedAs: readonly string[];
}

/** An instance in a repository, `domain/path`. */
export interface PlacedInstance {
  readonly repository: string;
  readonly digest: Digest;
}

/** A manifest to be remembered. */
export interface SeenManifest extends Omit<KnownManifest, "admittedAs" | "digest"> {
  /** Blobs, or instances. */
  readonly names: readonly Digest[];
}

/** What manifests name, by repository: from it follows which blobs may leave, and what a blocked manifest takes with it. */
export interface KnownManifests {
  /**
   * What is once an attachment stays one: what it names can be run under no name.
   *
   * @param read is called where it is not remembered yet
   */
  remember(
    repository: string,
    digest: Digest,
    as: "image" | "attachment",
    read: () => SeenManifest | undefined,
  ): void;
  /** @param digest of a manifest that was remembered, or of an instance of one */
  admitted(repository: string, digest: Digest, tag: string): void;
  /** The manifests of a repository that name this blob or instance; newest first, at most 64. */
  naming(repository: string, digest: Digest): readonly KnownManifest[];
  /** Like {@link naming}, at less cost. */
  parents(repository: string, digest: Digest): readonly Pick<KnownManifest, "digest" | "signed">[];
  /** The instances of an index, wherever it was asked for; at most 1,000. */
  instancesOf(digest: Digest): readonly PlacedInstance[];
  /** The tags that something was admitted under, "" for its digest. */
  tagsOf(repository: string, digest: Digest): readonly string[];
}

/** The tables of {@link KnownManifests}. */
export const manifestTables = `
  CREATE TABLE manifests (
    id INTEGER PRIMARY KEY, repository TEXT NOT NULL, digest TEXT NOT NULL, signed TEXT NOT NULL, type TEXT NOT NULL,
    UNIQUE (repository, digest)
  );
  CREATE INDEX manifests_by_digest ON manifests (digest);
  CREATE TABLE names (
    repository TEXT NOT NULL, child TEXT NOT NULL, manifest INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    PRIMARY KEY (repository, child, manifest)
  ) WITHOUT ROWID;
  CREATE INDEX names_by_manifest ON names (manifest);
  CREATE TABLE admitted (
    repository TEXT NOT NULL, digest TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (repository, digest, tag)
  ) WITHOUT ROWID`;

const maxManifests = 500_000;
const maxSeen = 20_000;
const maxParents = 64;
const maxInstances = 1000;
const maxTags = 16;

/** Remembers in a database, across restarts; what it has written it does not write again. */
export function createKnownManifests(database: Database, report: Report): KnownManifests {
  const seen = new Set<string>();
  const isNew = (key: string) => {
    if (seen.has(key)) return false;
    if (seen.size >= maxSeen) seen.clear();
    seen.add(key);
    return true;
  };
  // What cannot be written is not known: strict scopes keep its blobs, and nobody else minds.
  const noting = (key: string, note: () => void) => {
    if (!isNew(key)) return;
    try {
      note();
    } catch (error) {
      seen.delete(key);
      report({ type: "message", level: "error", text: "A manifest could not be noted", error });
    }
  };
  return {
    remember(repository, digest, as, read) {
      noting(`${repository}\0${digest}\0${as}`, () => {
        const manifest = read();
        if (manifest) insert(database, repository, digest, manifest);
      });
    },
    admitted(repository, digest, tag) {
      noting(`${repository}\0${digest}\0:${tag}`, () =>
        database.run("INSERT OR IGNORE INTO admitted VALUES (?, ?, ?)", repository, digest, tag),
      );
    },
    naming: (repository, digest) =>
      parentRows(database, repository, digest).map((row) => knownOf(database, repository, row)),
    parents: (repository, digest) =>
      parentRows(database, repository, digest).map(({ digest, signed }) => ({
        digest: String(digest) as Digest,
        signed: String(signed) as Digest,
      })),
    instancesOf: (digest) => instancesOf(database, digest),
    tagsOf: (repository, digest) => tagsOf(database, repository, digest),
  };
}

function insert(
  database: Database,
  repository: string,
  digest: Digest,
  { signed, type, names }: SeenManifest,
): void {
  database.transaction(() => {
    database.run(
      `INSERT INTO manifests (repository, digest, signed, type) VALUES (?, ?, ?, ?)
       ON CONFLICT (repository, digest) DO UPDATE SET type = excluded.type WHERE type <> 'attachment'`,
      repository,
      digest,
      signed,
      type,
    );
    const [row] = database.all(
      "SELECT id FROM manifests WHERE repository = ? AND digest = ?",
      repository,
      digest,
    );
    const id = Number(row?.["id"]);
    for (const child of names) {
      database.run("INSERT OR IGNORE INTO names VALUES (?, ?, ?)", repository, child, id);
    }
    if (id > maxManifests) database.run("DELETE FROM manifests WHERE id <= ?", id - maxManifests);
  });
}

function parentRows(database: Database, repository: string, digest: Digest): readonly Row[] {
  return database.all(
    `SELECT m.digest, m.signed, m.type FROM names n JOIN manifests m ON m.id = n.manifest
     WHERE n.repository = ? AND n.child = ? ORDER BY m.id DESC LIMIT ${maxParents}`,
    repository,
    digest,
  );
}

function instancesOf(database: Database, digest: Digest): readonly PlacedInstance[] {
  const rows = database.all(
    `SELECT n.repository, n.child FROM manifests m JOIN names n ON n.manifest = m.id
     WHERE m.digest = ? AND m.type = 'index' LIMIT ${maxInstances}`,
    digest,
  );
  return rows.map(({ repository, child }) => ({
    repository: String(repository),
    digest: String(child) as Digest,
  }));
}

function knownOf(database: Database, repository: string, row: Row): KnownManifest {
  return {
    digest: String(row["digest"]) as Digest,
    signed: String(row["signed"]) as Digest,
    type: String(row["type"]) as KnownManifest["type"],
    admittedAs: tagsOf(database, repository, String(row["digest"])),
  };
}

function tagsOf(database: Database, repository: string, digest: string): readonly string[] {
  const rows = database.all(
    `SELECT tag FROM admitted WHERE repository = ? AND digest = ? LIMIT ${maxTags}`,
    repository,
    digest,
  );
  return rows.map((row) => String(row["tag"]));
}
