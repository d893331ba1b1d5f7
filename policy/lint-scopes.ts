import { isNameOrDomain, parseDockerReference } from "../src/core/docker-reference.ts";
import type { FindingCode, Severity } from "./finding.ts";
import { isKnownTransport } from "./scope.ts";
import { nearestWord } from "./typo.ts";

/** A finding about a scope or a transport, before it is known where that stands. */
export interface ScopeFinding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
}

const transports = [
  ...["docker", "atomic", "docker-daemon", "dir", "sif", "oci", "oci-archive", "docker-archive"],
  ...["tarball", "containers-storage", "ostree"],
];

/** Of a transport's name: one that nobody knows is accepted, and its scopes are never looked at. */
export function lintTransport(name: string): readonly ScopeFinding[] {
  if (isKnownTransport(name) || name === "ostree") return [];
  const meant = nearestWord(name, transports);
  const instead = meant === undefined ? "" : `; "${meant}" may have been meant`;
  const message = `there is no transport "${name}": nothing below it is ever looked at${instead}`;
  return [{ code: "transport.unknown", severity: "error", message }];
}

/** Of a scope of `docker`, `atomic` or `docker-daemon`, where any text is accepted and only expanded names are looked up. */
export function lintDockerScope(scope: string): readonly ScopeFinding[] {
  if (scope === "") return [];
  if (scope.includes("*")) return lintWildcard(scope);
  const reason = neverMatches(scope);
  if (reason) return [{ code: "scope.never-matches", severity: "error", message: reason }];
  return [...lintHost(scope), ...lintTag(scope), ...lintHubName(scope)];
}

function neverMatches(scope: string): string | undefined {
  if (/^[a-z-]+:\/\//.test(scope)) return "a scope is a name without a transport or scheme";
  if (scope.endsWith("/")) return "a scope does not end with a slash";
  if (/:[^/]*@/.test(scope)) return "images with tag and digest are looked up by the digest alone";
  const [host = "", ...path] = scope.split("/");
  if (host.startsWith("[")) return "no image has an IPv6 address for a host";
  if (host === "index.docker.io") return 'images of index.docker.io are looked up as "docker.io/…"';
  if (!isHost(host)) return neverMatchesShort(`${path.length === 0 ? "library/" : ""}${scope}`);
  if (host === "docker.io" && path.length === 1 && /[:@]/.test(path[0] ?? "")) {
    return `names are looked up in full: write "docker.io/library/${path[0]}"`;
  }
  return isWellFormed(scope, path.length > 0) ? undefined : noName;
}

const noName = "no image can have this name";

function neverMatchesShort(path: string): string {
  const full = `docker.io/${path}`;
  return isWellFormed(full, true) ? `names are looked up in full: write "${full}"` : noName;
}

/** As in a reference: what stands before the first slash is a host only if it looks like one. A lone name may be a host. */
function isHost(text: string): boolean {
  return /[.:]/.test(text.replace(/@.*$/, "")) || text === "localhost";
}

function isWellFormed(scope: string, hasPath: boolean): boolean {
  if (!hasPath) return isNameOrDomain(scope);
  try {
    parseDockerReference(scope);
    return true;
  } catch {
    return false;
  }
}

function lintWildcard(scope: string): readonly ScopeFinding[] {
  const never = (message: string): readonly ScopeFinding[] => [
    { code: "scope.never-matches", severity: "error", message },
  ];
  if (!/^\*\.[^*]+$/.test(scope)) return never('a wildcard is "*." and the end of a host name');
  const rest = scope.slice(2);
  if (rest.includes("/")) return never("a wildcard stands for hosts: it cannot have a path");
  if (rest.includes(":")) return never("a wildcard matches any port, and must not name one");
  if (!isNameOrDomain(rest)) return never("no host ends like this");
  const more = (message: string): readonly ScopeFinding[] => [
    { code: "scope.matches-more", severity: "warning", message },
  ];
  if (/^[0-9.]+$/.test(rest)) return more(`every IPv4 address that ends with .${rest} matches`);
  if (rest === "io") return more("all images of docker.io match too");
  return rest.includes(".") ? [] : more(`every host below .${rest} matches`);
}

function lintHost(scope: string): readonly ScopeFinding[] {
  const [host = ""] = scope.split("/");
  if (/[A-Z]/.test(host)) {
    const message =
      "hosts are compared letter by letter: only names typed with these capitals match";
    return [{ code: "scope.never-matches", severity: "warning", message }];
  }
  if (!/^(?:localhost|[0-9.]+)$/.test(host)) return [];
  const message = `images of ${host} on a port, such as ${host}:5000, do not match`;
  return [{ code: "scope.without-port", severity: "warning", message }];
}

function lintTag(scope: string): readonly ScopeFinding[] {
  if (!/\/[^@]*:[^/@]+$/.test(scope)) return [];
  const message = "whoever asks for the same image by digest is not held to this scope";
  return [{ code: "scope.tag-bypassed", severity: "warning", message }];
}

function lintHubName(scope: string): readonly ScopeFinding[] {
  const name = /^docker\.io\/([^/:@]+)$/.exec(scope)?.[1];
  if (name === undefined || name === "library") return [];
  const message = `this is what ${name} has on Docker Hub; an official image would be "docker.io/library/${name}"`;
  return [{ code: "scope.never-matches", severity: "info", message }];
}
