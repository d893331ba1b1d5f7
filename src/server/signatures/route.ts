import { type ServedRepository, servedName } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { isServedName } from "./subject.ts";

/** What a client said of the repository it means. */
export interface AskedRepository {
  /** As it stands behind `/v2/`. */
  readonly path: string;
  readonly ns?: string;
  readonly host?: string;
}

/** @throws {RegistryAnswerError} where this server does not serve it */
export type RouteRepository = (asked: AskedRepository) => ServedRepository;

/** Routes everything to one domain, that of a server without upstreams. */
export function routeWithin(domain: string): RouteRepository {
  return ({ path }) => {
    if (!isServedName(`${domain}/${path}`)) throw unknownName();
    return { domain, path, requested: path, upstream: undefined };
  };
}

/**
 * The repository of a look-aside path: `domain/path` where it begins as a domain does, with a dot or a colon in it or as
 * `localhost`; else what `path` stands for behind `/v2/`. A domain that this server does not serve is one whose signatures
 * it keeps and no more.
 *
 * @throws {RegistryAnswerError} 404 NAME_UNKNOWN, and as `route` does
 */
export function repositoryOfName(
  name: string,
  { route, domain }: { readonly route: RouteRepository; readonly domain: string },
): ServedRepository {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== "localhost") return route({ path: name });
  if (!isServedName(name)) throw unknownName();
  const path = name.slice(slash + 1);
  const isThis = (found: ServedRepository | undefined) =>
    found && (servedName(found) === name || (found.upstream !== undefined && found.path === path));
  const routed = attempt(() => route({ path: name }));
  if (routed && isThis(routed)) return routed;
  const own = first === domain ? attempt(() => route({ path })) : undefined;
  if (own && isThis(own)) return own;
  const requested = first === domain ? path : name;
  return { domain: first, path, requested, upstream: undefined };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegistryAnswerError) return undefined;
    throw error;
  }
}

function unknownName(): RegistryAnswerError {
  return new RegistryAnswerError("NAME_UNKNOWN", "repository name not known to registry", {
    status: 404,
  });
}
