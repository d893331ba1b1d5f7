import type { Digest } from "../core/digest.ts";

/** Which repositories of one registry hold which blobs, as far as is known. May be wrong: it saves bytes, and decides nothing. */
export interface BlobPlaces {
  /** A repository was seen to hold a blob, or was given it. */
  placed(blob: Digest, repository: string): void;
  /** A repository turned out not to give a blob. */
  gone(blob: Digest, repository: string): void;
  /** The most recent first. */
  find(blob: Digest, signal: AbortSignal): readonly string[] | Promise<readonly string[]>;
}

const mostBlobs = 20_000;
const mostRepositories = 4;

/** What this process knows, and of that what was last heard of: a few megabytes at most. */
export function createBlobPlaces(): BlobPlaces {
  const known = new Map<Digest, readonly string[]>();
  const others = (blob: Digest, repository: string) =>
    (known.get(blob) ?? []).filter((name) => name !== repository);
  return {
    placed(blob, repository) {
      const now = [repository, ...others(blob, repository)].slice(0, mostRepositories);
      known.delete(blob); // so that it stands last
      known.set(blob, now);
      const [oldest] = known.keys();
      if (known.size > mostBlobs && oldest !== undefined) known.delete(oldest);
    },
    gone(blob, repository) {
      const left = others(blob, repository);
      if (left.length > 0) known.set(blob, left);
      else known.delete(blob);
    },
    find: (blob) => known.get(blob) ?? [],
  };
}
