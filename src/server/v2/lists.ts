import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { NamesPage, Page } from "./backend.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import type { RepositoryOperation } from "./operation.ts";
import type { Query } from "./query.ts";
import { unknownEndpoint } from "./request-target.ts";
import { demand, demandLister } from "./rights.ts";
import type { Service } from "./service.ts";

/** GET of a repository's tags. */
export async function listTags(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { page, path, query }: Pick<RepositoryOperation, "path" | "query"> & { readonly page: Page },
): Promise<void> {
  demand(service, exchange, repository, "pull");
  const backend = service.parts.backendOf(repository);
  // A page of none still tells whether there is such a repository.
  const asked = { ...page, limit: Math.max(page.limit, 1) };
  const found = await backend.listTags(repository, asked, exchange);
  if (found === undefined) {
    const message = "repository name not known to registry";
    const detail = { name: repository.requested };
    throw new RegistryAnswerError("NAME_UNKNOWN", message, { status: 404, detail });
  }
  const names = found.names.slice(0, page.limit);
  const link =
    page.limit === 0 ? [] : nextLink(`${path}/tags/list`, query, { ...found, names }, page);
  const content = JSON.stringify({ name: repository.requested, tags: names });
  exchange.answer(200, [...jsonHeaders, ...link], content);
}

/** GET of the repositories that the caller may pull from. */
export async function listRepositories(
  service: Service,
  exchange: Exchange,
  { page, query }: { readonly page: Page; readonly query: Query },
): Promise<void> {
  const { access, parts } = service;
  const lister = demandLister(service, exchange);
  if (parts.catalog === undefined) throw unknownEndpoint();
  const found = page.limit === 0 ? none : await parts.catalog.listRepositories(page, exchange);
  // A page whose names are all hidden goes on behind the last of them, like any other.
  const repositories = found.names.filter((name) => access.allows(lister, name, "pull"));
  const link = nextLink("/v2/_catalog", query, found, page);
  exchange.answer(200, [...jsonHeaders, ...link], JSON.stringify({ repositories }));
}

const none: NamesPage = { names: [], more: false };

const jsonHeaders: HeaderList = ["Content-Type", "application/json"];

/** Where the next page is: the same query, behind the last name. */
function nextLink(
  path: string,
  query: Query,
  { names, more }: NamesPage,
  { limit }: Page,
): HeaderList {
  const last = names.at(-1);
  if (!more || last === undefined) return [];
  return ["Link", `<${path}?${query.replaced({ n: String(limit), last })}>; rel="next"`];
}
