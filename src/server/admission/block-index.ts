import { algorithmOf, type Digest, type DigestAlgorithm } from "../../core/digest.ts";
import { parseRepositoryPattern, type RepositoryPattern } from "../../core/repository-pattern.ts";
import type { Block } from "./block-list.ts";
import type { KnownNames } from "./content-names.ts";

/** What a {@link BlockIndex} asks besides the blocks. */
export interface BlockIndexParts {
  readonly names: Pick<KnownNames, "of">;
  /** Whether something is named in this repository by blocked manifests alone. */
  isTakenAlong(
    repository: string,
    digest: Digest,
    isBlocked: (digest: Digest) => Block | undefined,
  ): Block | undefined;
}

/** Blocks as they are at one time, to be found by what is asked for. */
export class BlockIndex {
  readonly #parts: BlockIndexParts;
  readonly #digests = new Map<Digest, Block>();
  /** Of what is blocked by a digest, and goes by nobody knows which others. */
  readonly #unresolved = new Set<DigestAlgorithm>();
  readonly #patterns: readonly (readonly [RepositoryPattern, Block])[];

  constructor(blocks: readonly Block[], parts: BlockIndexParts) {
    this.#parts = parts;
    for (const block of blocks) {
      if (block.digest === undefined) continue;
      const names = parts.names.of(block.digest);
      if (!names) this.#unresolved.add(algorithmOf(block.digest));
      for (const name of names ?? [block.digest]) this.#digests.set(name, block);
    }
    this.#patterns = blocks.flatMap((block) =>
      block.repository === undefined ? [] : [[parseRepositoryPattern(block.repository), block]],
    );
  }

  /** As {@link BlockList.find}. */
  find(repository: string, digest: Digest, unsure?: Set<Digest>): Block | undefined {
    const blockOf = (each: Digest) => this.ofDigest(each, unsure);
    return (
      blockOf(digest) ??
      this.ofRepository(repository) ??
      (this.#digests.size === 0 ? undefined : this.#parts.isTakenAlong(repository, digest, blockOf))
    );
  }

  /** That of all of a repository, `domain/path`. */
  ofRepository(repository: string): Block | undefined {
    return this.#patterns.find(([pattern]) => pattern.matches(repository))?.[1];
  }

  /** The block of just this digest, or of another of the same content; `unsure` as of {@link BlockList.find}. */
  ofDigest(digest: Digest, unsure?: Set<Digest>): Block | undefined {
    const block = this.#digests.get(digest);
    if (block || !this.#mayBeOther(digest)) return block;
    const names = this.#parts.names.of(digest);
    if (!names) unsure?.add(digest);
    return names?.map((name) => this.#digests.get(name)).find(Boolean);
  }

  /** Whether these digests of one content are news about something that is blocked. */
  isNews(names: readonly Digest[]): boolean {
    const known = names.filter((name) => this.#digests.has(name));
    return known.length > 0 && known.length < names.length;
  }

  /**
   * Whether it may be the same as something that is blocked by another algorithm, or be named so by that. Most of what
   * is blocked, named and asked for goes by sha256, and is known by that alone.
   */
  #mayBeOther(digest: Digest): boolean {
    if (this.#digests.size === 0) return false;
    const algorithm = algorithmOf(digest);
    return algorithm !== "sha256" || [...this.#unresolved].some((other) => other !== algorithm);
  }
}
