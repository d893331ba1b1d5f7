import { type ServedRepository, servedName } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { AskedRepository } from "../v2/parts.ts";
import { isServedName } from "./subject.ts";

/** Whose repository is meant, or why none is served: `V2Parts.route`. */
export type RouteRepository = (asked: AskedRepository) => ServedRepository | RegistryAnswerError;

/** Routes everything to one domain, that of a server without upstreams. */
export function routeWithin(domain: string): RouteRepository {
  return ({ path }) => ({ domain, path, requested: path, upstream: undefined });
}

/**
 * What a name behind `/v2/` stands for.
 *
 * @throws {RegistryAnswerError} 404 NAME_UNKNOWN for what is no name, and what `route` refuses with
 */
export function routed(route: RouteRepository, asked: AskedRepository): ServedRepository {
  if (!isServedName(`any.domain/${asked.path}`)) throw unknownName();
  const found = route(asked);
  if (found instanceof RegistryAnswerError) throw found;
  return found;
}

/**
 * The repository of a look-aside path: `domain/path` where it begins as a domain does, with a dot or a colon in it or as
 * `localhost`; else what `path` stands for behind `/v2/`. A domain that this server does not serve is one whose signatures
 * it keeps and no more.
 *
 * @throws {RegistryAnswerError} as {@link routed}
 */
export function repositoryOfName(
  name: string,
  { route, domain }: { readonly route: RouteRepository; readonly domain: string },
): ServedRepository {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== "localhost") return routed(route, plain(name));
  if (!isServedName(name)) throw unknownName();
  const path = name.slice(slash + 1);
  const own = first === domain ? route(plain(path)) : undefined;
  const found = [own, route(plain(name))].find((one) => isThis(one, name, path));
  if (found && !(found instanceof RegistryAnswerError)) return found;
  const requested = first === domain ? path : name;
  return { domain: first, path, requested, upstream: undefined };
}

function plain(path: string): AskedRepository {
  return { path, namespace: undefined, host: undefined };
}

/** An upstream may be known by more than one domain. */
function isThis(
  found: ServedRepository | RegistryAnswerError | undefined,
  name: string,
  path: string,
): boolean {
  if (!found || found instanceof RegistryAnswerError) return false;
  return servedName(found) === name || (found.upstream !== undefined && found.path === path);
}

function unknownName(): RegistryAnswerError {
  return new RegistryAnswerError("NAME_UNKNOWN", "repository name not known to registry", {
    status: 404,
  });
}
