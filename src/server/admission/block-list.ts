import { randomBytes } from "node:crypto";
import { type Digest, parseDigest } from "../../core/digest.ts";
import type { Report } from "../server-event.ts";
import { BlockIndex, type BlockIndexParts } from "./block-index.ts";
import type { ContentNames, KnownNames } from "./content-names.ts";
import type { Database, Row } from "./database.ts";
import type { KnownManifests, PlacedInstance } from "./known-manifests.ts";
import { blockedInstances } from "./taken-along.ts";

/** What must not leave, whatever the policy says. */
export interface Block {
  readonly id: string;
  /** Everywhere; with what only it names. */
  readonly digest?: Digest;
  /** A pattern of `domain/path`. */
  readonly repository?: string;
  /** For the clients who are refused. */
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  readonly by?: string;
}

/** A block to be made: of a digest or of repositories. */
export type NewBlock = Pick<Block, "reason" | "by"> &
  ({ readonly digest: Digest } | { readonly repository: string });

/** The block list; what another process writes into it counts here within a second. */
export interface BlockList extends Disposable {
  readonly isEmpty: boolean;
  add(block: NewBlock): Block;
  /** By its id, its digest or its pattern; what was lifted. */
  remove(by: {
    readonly id?: string;
    readonly digest?: string;
    readonly repository?: string;
  }): readonly Block[];
  list(): readonly Block[];
  /**
   * What stands against sending this, `repository` being `domain/path`: by whichever digest it is blocked, as far as is known.
   *
   * @param unsure gets the digests of which it would have to be known by which others they go
   */
  find(repository: string, digest: Digest, unsure?: Set<Digest>): Block | undefined;
  /** That of all of a repository, `domain/path`. */
  ofRepository(repository: string): Block | undefined;
  /** The block of just this digest, or of another of the same content. */
  ofDigest(digest: Digest): Block | undefined;
  /** The digests by which some content is known to go, itself among them. */
  namesOf(digest: Digest): ContentNames;
  /** The instances that a blocked index takes along, and where, as far as is known. */
  takenAlong(digest: Digest): readonly PlacedInstance[];
  /** By which digests some content goes. */
  learn(names: ContentNames): void;
  /** Looks now whether another process has changed it. */
  refresh(): void;
  /** Called after each change of the list, with the digests of new blocks. */
  onChange(listener: (added: readonly Digest[]) => void): void;
}

/** The table of a {@link BlockList}. */
export const blockTable = `
  CREATE TABLE blocks (
    id TEXT PRIMARY KEY, digest TEXT, repository TEXT, reason TEXT NOT NULL, at TEXT NOT NULL, by TEXT
  )`;

/** What a {@link BlockList} is made of. */
export interface BlockListParts extends BlockIndexParts {
  readonly database: Database;
  readonly now: () => number;
  readonly report: Report;
  readonly names: KnownNames;
  readonly instancesOf: KnownManifests["instancesOf"];
  /** How often other processes are heeded; by default four times a second. */
  readonly everyMs?: number;
}

/** Opens the list and begins to look after it. */
export function createBlockList(parts: BlockListParts): BlockList {
  return new SharedBlockList(parts);
}

class SharedBlockList implements BlockList {
  readonly #parts: BlockListParts;
  readonly #listeners = new Set<(added: readonly Digest[]) => void>();
  readonly #timer: NodeJS.Timeout;
  #blocks: readonly Block[] = [];
  #index: BlockIndex;
  #version = -1;

  constructor(parts: BlockListParts) {
    this.#parts = parts;
    this.#index = new BlockIndex([], parts);
    this.refresh();
    this.#timer = setInterval(() => this.#look(), parts.everyMs ?? 250).unref();
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  add(block: NewBlock): Block {
    const made: Block = {
      id: randomBytes(9).toString("base64url"),
      at: new Date(this.#parts.now()).toISOString(),
      ...block,
    };
    const { digest = null, repository = null, by = null } = made;
    this.#parts.database.run(
      "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)",
      made.id,
      digest,
      repository,
      made.reason,
      made.at,
      by,
    );
    this.#load();
    return made;
  }

  remove(by: {
    readonly id?: string;
    readonly digest?: string;
    readonly repository?: string;
  }): readonly Block[] {
    const lifted = this.#blocks.filter(
      ({ id, digest, repository }) =>
        id === by.id ||
        (digest !== undefined && digest === by.digest) ||
        (repository !== undefined && repository === by.repository),
    );
    for (const { id } of lifted) this.#parts.database.run("DELETE FROM blocks WHERE id = ?", id);
    this.#load();
    return lifted;
  }

  list(): readonly Block[] {
    return this.#blocks;
  }

  find(repository: string, digest: Digest, unsure?: Set<Digest>): Block | undefined {
    return this.isEmpty ? undefined : this.#index.find(repository, digest, unsure);
  }

  ofRepository(repository: string): Block | undefined {
    return this.#index.ofRepository(repository);
  }

  ofDigest(digest: Digest): Block | undefined {
    return this.#index.ofDigest(digest);
  }

  namesOf(digest: Digest): ContentNames {
    return this.#parts.names.of(digest) ?? [digest];
  }

  takenAlong(digest: Digest): readonly PlacedInstance[] {
    const isBlocked = (each: PlacedInstance) =>
      this.find(each.repository, each.digest) !== undefined;
    return blockedInstances(this.#parts.instancesOf, isBlocked, this.namesOf(digest));
  }

  learn(names: ContentNames): void {
    this.#parts.names.learn(names);
    if (this.#index.isNews(names)) this.#load();
  }

  onChange(listener: (added: readonly Digest[]) => void): void {
    this.#listeners.add(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      this.refresh();
    } catch (error) {
      const text = "The block list could not be read; the one that was known counts";
      this.#parts.report({ type: "message", level: "error", text, error });
    }
  }

  refresh(): void {
    const version = this.#parts.database.version();
    if (version === this.#version) return;
    this.#load();
    this.#version = version;
  }

  #load(): void {
    const before = new Set(this.#blocks.map(({ id }) => id));
    this.#blocks = this.#parts.database.all("SELECT * FROM blocks ORDER BY at, id").map(toBlock);
    this.#index = new BlockIndex(this.#blocks, this.#parts);
    const added = this.#blocks.filter(({ id }) => !before.has(id));
    for (const listener of this.#listeners) listener(added.flatMap(({ digest }) => digest ?? []));
  }
}

function toBlock(row: Row): Block {
  const { id, digest, repository, reason, at, by } = row;
  return {
    id: String(id),
    ...(digest !== null && { digest: parseDigest(String(digest)) }),
    ...(repository !== null && { repository: String(repository) }),
    reason: String(reason),
    at: String(at),
    ...(by !== null && { by: String(by) }),
  };
}
