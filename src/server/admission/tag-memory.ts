import type { Database } from "./database.ts";

/** An image as a tag stood for it: itself, or each instance of an index. */
export interface SignedImage {
  readonly digest: string;
  /** When the accepted signature was made, ms since the epoch; absent where it says nothing that could be believed. */
  readonly signedAt?: number;
}

/** What a tag stood for when it was served last. */
interface ServedTag {
  /** The oldest of the newest set. */
  readonly signedAt: number | undefined;
  readonly digests: ReadonlySet<string>;
}

/** Keeps tags from going back, over restarts: `no-rollback`. */
export interface TagMemory {
  /**
   * Notes that a tag is served as these images, or says why it may not be: one that was not served last under this tag is
   * signed earlier than what was. Nothing but attachments stands for nothing.
   */
  serve(repository: string, tag: string, images: readonly SignedImage[]): string | undefined;
  /** Forgets a tag, or all of a repository's. False where nothing was known. */
  forget(repository: string, tag?: string): boolean;
}

/** The table of a {@link TagMemory}. */
export const tagTable = `
  CREATE TABLE tags (
    repository TEXT NOT NULL, tag TEXT NOT NULL, signed_at INTEGER, digests TEXT NOT NULL, PRIMARY KEY (repository, tag)
  ) WITHOUT ROWID`;

/** Remembers in a database that other processes may write, too. */
export function createTagMemory(database: Database): TagMemory {
  return {
    serve(repository, tag, images) {
      if (images.length === 0) return undefined;
      const known = read(database, repository, tag);
      if (known && images.every(({ digest }) => known.digests.has(digest))) return undefined;
      let refused: string | undefined;
      database.transaction(() => {
        const before = read(database, repository, tag);
        const fresh = images.filter(({ digest }) => !before?.digests.has(digest));
        const older = before && fresh.find((image) => isOlder(image, before));
        if (before && older) refused = refusal(tag, older, before);
        else write(database, repository, tag, { images, before, fresh });
      });
      return refused;
    },
    forget: (repository, tag) =>
      tag === undefined
        ? database.run("DELETE FROM tags WHERE repository = ?", repository) > 0
        : database.run("DELETE FROM tags WHERE repository = ? AND tag = ?", repository, tag) > 0,
  };
}

/** One whose time cannot be told is taken for older than one whose time can: else it could be used to go back. */
function isOlder({ signedAt }: SignedImage, before: ServedTag): boolean {
  return before.signedAt !== undefined && (signedAt === undefined || signedAt < before.signedAt);
}

function refusal(tag: string, { digest, signedAt }: SignedImage, before: ServedTag): string {
  const served = new Date(before.signedAt ?? 0).toISOString();
  const at =
    signedAt === undefined ? "at a time that is not known" : new Date(signedAt).toISOString();
  return `Tag ${tag} may not go back: ${digest} was signed ${at}, and what this tag stood for before ${served}`;
}

function read(database: Database, repository: string, tag: string): ServedTag | undefined {
  const [row] = database.all(
    "SELECT signed_at, digests FROM tags WHERE repository = ? AND tag = ?",
    repository,
    tag,
  );
  if (!row) return undefined;
  const signedAt = row["signed_at"];
  return {
    signedAt: signedAt === null ? undefined : Number(signedAt),
    digests: new Set(String(row["digests"]).split(" ")),
  };
}

function write(
  database: Database,
  repository: string,
  tag: string,
  {
    images,
    before,
    fresh,
  }: {
    readonly images: readonly SignedImage[];
    readonly before: ServedTag | undefined;
    readonly fresh: readonly SignedImage[];
  },
): void {
  const times = fresh.flatMap(({ signedAt }) => (signedAt === undefined ? [] : [signedAt]));
  const oldest = times.length === fresh.length ? Math.min(...times) : undefined;
  const known = [before?.signedAt, oldest].filter((time) => time !== undefined);
  database.run(
    "INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?)",
    repository,
    tag,
    known.length === 0 ? null : Math.max(...known),
    images.map(({ digest }) => digest).join(" "),
  );
}
