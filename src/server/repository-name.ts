/**
 * A repository as this server speaks of it everywhere (policy, signatures, audit, rules): `domain/path`, the name by which
 * its images are known and signed. Of an upstream's it is the upstream's own (`docker.io/library/alpine`); of a repository
 * that this server keeps itself, the server's configured `name` and the path (`registry.example/team/app`).
 */
export interface ServedRepository {
  readonly domain: string;
  /** What follows the domain: `library/alpine`. */
  readonly path: string;
  /** As the client wrote it behind `/v2/`, for Location headers. */
  readonly requested: string;
  /** Undefined: kept here. */
  readonly upstream: string | undefined;
}

/** `domain/path`. */
export function servedName({ domain, path }: Pick<ServedRepository, "domain" | "path">): string {
  return `${domain}/${path}`;
}
