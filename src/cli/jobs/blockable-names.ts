import type { DockerReference } from "../../core/docker-reference.ts";
import { apiHost } from "../../registry/options.ts";
import type { AllowedHosts } from "../../server/jobs/allowed-hosts.ts";
import { servedName } from "../../server/repository-name.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { routeRepository } from "../../server/upstream/route.ts";

type Repository = Pick<DockerReference, "domain" | "path">;

/** The names, `domain/path`, by which a repository that a job reads may be blocked. */
export type BlockableNames = (repository: Repository) => readonly string[];

/**
 * A repository's own name; where it is asked for through this server, that of the repository behind it; and where an upstream
 * is asked that goes by another name here, its name here.
 */
export function blockableNames(
  settings: Pick<ServerSettings, "name" | "upstreams">,
  hosts: Pick<AllowedHosts, "reach">,
): BlockableNames {
  const placeOf = createPlaces(hosts);
  return (repository) => {
    const { domain, path } = repository;
    const own = [`${domain}/${path}`, `${domain.toLowerCase()}/${path}`];
    const through = nameThroughUs(repository, settings, placeOf);
    const there = namesAtUpstreams(repository, settings, placeOf);
    return [...new Set([...own, ...(through === undefined ? [] : [through]), ...there])];
  };
}

/** Where repositories of a domain are: a host, and the path that stands before theirs. */
type PlaceOf = (domain: string) => { readonly host: string; readonly below: string };

function createPlaces(hosts: Pick<AllowedHosts, "reach">): PlaceOf {
  return (domain) => {
    const url = hosts.reach(domain)?.url ?? URL.parse(`https://${apiHost(domain)}`);
    if (!url) return { host: domain.toLowerCase(), below: "" };
    return { host: url.host.toLowerCase(), below: url.pathname.replace(/^\/|\/$/g, "") };
  };
}

function nameThroughUs(
  { domain, path }: Repository,
  { name: own, upstreams }: Pick<ServerSettings, "name" | "upstreams">,
  placeOf: PlaceOf,
): string | undefined {
  const asked = domain.toLowerCase();
  const isOurs = asked === own.toLowerCase() || placeOf(domain).host === placeOf(own).host;
  const isTheirs = upstreams.some(({ hosts }) =>
    hosts.some((host) => host.toLowerCase() === asked),
  );
  if (!isOurs && !isTheirs) return undefined;
  const routed = routeRepository({ own, upstreams }, { path, host: isOurs ? own : domain });
  return "domain" in routed ? servedName(routed) : undefined;
}

function namesAtUpstreams(
  { domain, path }: Repository,
  { upstreams }: Pick<ServerSettings, "upstreams">,
  placeOf: PlaceOf,
): readonly string[] {
  const place = placeOf(domain);
  const whole = place.below === "" ? path : `${place.below}/${path}`;
  return upstreams.flatMap(({ name }) => {
    const { host, below } = placeOf(name);
    if (host !== place.host) return [];
    if (below === "") return [`${name}/${whole}`];
    return whole.startsWith(`${below}/`) ? [`${name}/${whole.slice(below.length + 1)}`] : [];
  });
}
