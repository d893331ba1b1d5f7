import { randomBytes } from "node:crypto";
import { algorithmOf, type Digest, type DigestAlgorithm, parseDigest } from "../../core/digest.ts";
import { manifestDigest, type RawManifest } from "../../core/manifest.ts";
import { parseRepositoryPattern, type RepositoryPattern } from "../../core/repository-pattern.ts";
import type { Watch } from "../admission.ts";
import type { Report } from "../server-event.ts";
import type { Database, Row } from "./database.ts";

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
  /** What stands against sending this, `repository` being `domain/path`. */
  find(repository: string, digest: Digest): Block | undefined;
  /** The block of just this digest. */
  ofDigest(digest: Digest): Block | undefined;
  /** That of a manifest's bytes, by whichever algorithm it was blocked. */
  ofManifest(manifest: RawManifest): Block | undefined;
  /** Held while something is sent. */
  watch(repository: string, digest: Digest): Watch;
}

/** The table of a {@link BlockList}. */
export const blockTable = `
  CREATE TABLE blocks (
    id TEXT PRIMARY KEY, digest TEXT, repository TEXT, reason TEXT NOT NULL, at TEXT NOT NULL, by TEXT
  )`;

/** What a {@link BlockList} is made of. */
export interface BlockListParts {
  readonly database: Database;
  readonly now: () => number;
  readonly report: Report;
  /** Whether something is named in this repository by blocked manifests alone. */
  isTakenAlong(
    repository: string,
    digest: Digest,
    isBlocked: (digest: Digest) => Block | undefined,
  ): Block | undefined;
  /** How often other processes are heeded; by default four times a second. */
  readonly everyMs?: number;
}

/** Opens the list and begins to look after it. */
export function createBlockList(parts: BlockListParts): BlockList {
  return new SharedBlockList(parts);
}

/**
 * Something that is being sent. Emptied at its end: what passes through a set that lives on may be kept by it until the whole
 * heap is collected, and the signal holds the request.
 */
interface Running {
  readonly repository: string;
  readonly digest: Digest;
  controller: AbortController | undefined;
}

class SharedBlockList implements BlockList {
  readonly #parts: BlockListParts;
  readonly #running = new Set<Running>();
  readonly #timer: NodeJS.Timeout;
  #blocks: readonly Block[] = [];
  #digests: ReadonlyMap<Digest, Block> = new Map();
  #algorithms: ReadonlySet<DigestAlgorithm> = new Set();
  #patterns: readonly (readonly [RepositoryPattern, Block])[] = [];
  #version = -1;

  constructor(parts: BlockListParts) {
    this.#parts = parts;
    this.#refresh();
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

  find(repository: string, digest: Digest): Block | undefined {
    if (this.isEmpty) return undefined;
    return (
      this.#digests.get(digest) ??
      this.#patterns.find(([pattern]) => pattern.matches(repository))?.[1] ??
      (this.#digests.size === 0
        ? undefined
        : this.#parts.isTakenAlong(repository, digest, (other) => this.#digests.get(other)))
    );
  }

  ofDigest(digest: Digest): Block | undefined {
    return this.#digests.get(digest);
  }

  ofManifest({ digest, bytes }: RawManifest): Block | undefined {
    const own = this.#digests.get(digest);
    if (own) return own;
    const others = [...this.#algorithms].filter((algorithm) => algorithm !== algorithmOf(digest));
    return others
      .map((algorithm) => this.#digests.get(manifestDigest(bytes, algorithm)))
      .find(Boolean);
  }

  watch(repository: string, digest: Digest): Watch {
    const controller = new AbortController();
    const running: Running = { repository, digest, controller };
    this.#running.add(running);
    return {
      blocked: controller.signal,
      [Symbol.dispose]: () => {
        this.#running.delete(running);
        running.controller = undefined;
      },
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      this.#refresh();
    } catch (error) {
      const text = "The block list could not be read; the one that was known counts";
      this.#parts.report({ type: "message", level: "error", text, error });
    }
  }

  #refresh(): void {
    const version = this.#parts.database.version();
    if (version === this.#version) return;
    this.#load();
    this.#version = version;
  }

  #load(): void {
    this.#blocks = this.#parts.database.all("SELECT * FROM blocks ORDER BY at, id").map(toBlock);
    this.#digests = new Map(
      this.#blocks.flatMap((block) => (block.digest === undefined ? [] : [[block.digest, block]])),
    );
    this.#algorithms = new Set([...this.#digests.keys()].map(algorithmOf));
    this.#patterns = this.#blocks.flatMap((block) =>
      block.repository === undefined ? [] : [[parseRepositoryPattern(block.repository), block]],
    );
    for (const { repository, digest, controller } of this.#running) {
      const block = this.find(repository, digest);
      if (block) controller?.abort(new Error(`blocked: ${block.reason}`));
    }
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
