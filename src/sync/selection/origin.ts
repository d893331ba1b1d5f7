import type { MirrorRule } from "../mirror.ts";
import type { Namer, SourceName } from "../naming.ts";

/** One repository, or one other place, that a rule takes images from. */
export interface Origin {
  readonly rule: MirrorRule;
  /** What reports call it: `docker.io/library/alpine`, `oci:/srv/images`. */
  readonly what: string;
  readonly name: Namer;
  /** Whose images these are; what its images are called begins with it. */
  readonly repository: Pick<SourceName, "domain" | "repository">;
  /** @throws {KnownError} where it cannot be asked */
  list(): Promise<Listing>;
  sourceName(key: string): SourceName;
  /** Transport and text. */
  sourceText(key: string): string;
}

/** What an origin holds, and what of it is wanted, by keys that {@link Origin} understands. */
export interface Listing {
  readonly found: number;
  readonly taken: readonly string[];
  /** Where nothing is taken: the rule that the last did not pass. */
  readonly ruledOutBy: string | undefined;
}
