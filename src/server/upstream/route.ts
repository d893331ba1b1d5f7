import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** By what an upstream is meant. */
export interface RouteTarget {
  readonly name: string;
  readonly alias?: string | undefined;
  /** Names of this server, with or without a port, that mean it. */
  readonly hosts: readonly string[];
  readonly default: boolean;
}

/** Where requests go. */
export interface RouteTable {
  /** The domain of the repositories that are kept here. */
  readonly own: string;
  readonly upstreams: readonly RouteTarget[];
}

/** What of a request tells where it goes. */
export interface RouteRequest {
  /** Behind `/v2/`, normalised. */
  readonly path: string;
  /** `?ns=` or the `OCI-Namespace` header. */
  readonly namespace?: string | undefined;
  /** The `Host` header. */
  readonly host?: string | undefined;
  /** What of the path stood in front of `v2`: `hub` of `/hub/v2/library/alpine`. */
  readonly front?: string | undefined;
}

/** Docker Hub goes by these names. */
const hubNames: ReadonlySet<string> = new Set(["index.docker.io", "registry-1.docker.io"]);

/**
 * Whose repository a request is about: the first that fits of its namespace, the name it was sent to, the first component
 * of its path, the default; the server's own where there is none (`specs/registry.md` 5.1). A host that is not configured
 * is refused: this is no open proxy.
 *
 * @returns the repository, or with what the request is refused
 */
export function routeRepository(
  table: RouteTable,
  request: RouteRequest,
): ServedRepository | RegistryAnswerError {
  const { path, front } = request;
  const namespace = normalized(request.namespace);
  if (namespace !== undefined && namespace !== "") {
    const found = byName(table, namespace);
    if (!found) return refusal(namespace);
    // containerd sends its namespace also where its host has a path of its own. Behind `v2` an alias may be part of a name.
    const isTwice = front !== undefined && byAlias(table, front) === found;
    return served(found, isTwice ? path.slice(front.length + 1) : path, path);
  }
  const byHost = table.upstreams.find(({ hosts }) => isOneOf(hosts, request.host));
  if (byHost) return served(byHost, path, path);
  return routeByPath(table, path);
}

function routeByPath(table: RouteTable, path: string): ServedRepository | RegistryAnswerError {
  const slash = path.indexOf("/");
  if (slash > 0) {
    const first = path.slice(0, slash);
    const found = byAlias(table, first);
    if (found) return served(found, path.slice(slash + 1), path);
    if (table.upstreams.length > 0 && looksLikeHost(first)) return refusal(first);
  }
  return served(table.upstreams.find((upstream) => upstream.default) ?? table.own, path, path);
}

/** An upstream; the server's own name where that is what is named. */
function byName(table: RouteTable, name: string): RouteTarget | string | undefined {
  if (name === table.own) return table.own;
  return table.upstreams.find((upstream) => normalized(upstream.name) === name);
}

function byAlias(table: RouteTable, first: string): RouteTarget | string | undefined {
  return (
    table.upstreams.find(({ alias }) => alias === first) ??
    (looksLikeHost(first) || first === table.own
      ? byName(table, normalized(first) ?? "")
      : undefined)
  );
}

function served(target: RouteTarget | string, path: string, requested: string): ServedRepository {
  if (typeof target === "string") return { domain: target, path, requested, upstream: undefined };
  const { name } = target;
  const isOfficial = normalized(name) === "docker.io" && !path.includes("/");
  return { domain: name, path: isOfficial ? `library/${path}` : path, requested, upstream: name };
}

function refusal(host: string): RegistryAnswerError {
  return new RegistryAnswerError("DENIED", `${host} is no upstream of this registry`, {
    status: 403,
    hint: "Name it under upstreams in the configuration",
  });
}

function normalized(name: string | undefined): string | undefined {
  const lower = name?.toLowerCase();
  return lower !== undefined && hubNames.has(lower) ? "docker.io" : lower;
}

/** As Docker tells a host from the first component of a path. */
function looksLikeHost(component: string): boolean {
  return /[.:]/.test(component) || component === "localhost";
}

function isOneOf(hosts: readonly string[], host: string | undefined): boolean {
  if (host === undefined) return false;
  const asked = host.toLowerCase();
  const bare = asked.replace(/:\d+$/, "");
  return hosts.some((one) => {
    const name = one.toLowerCase();
    return name === asked || name === bare;
  });
}
