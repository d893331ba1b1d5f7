/** First parts of paths that are other faces' own: behind them `v2` is only a name. */
const others: ReadonlySet<string> = new Set([
  "api",
  "extensions",
  "healthz",
  "lookaside",
  "metrics",
  "page",
  "readyz",
  "signatures",
  "sigstore",
  "token",
]);

/**
 * Whether a request target is the registry's: `/v2`, `/v2/…`, and both behind one name (`/hub/v2/…`), as containerd asks
 * where a host is configured with a path of its own.
 */
export function isRegistryPath(url: string): boolean {
  if (url.startsWith("/v2")) return url.length === 3 || url[3] === "/" || url[3] === "?";
  const first = /^\/([^/?]+)\/v2(?:[/?]|$)/.exec(url)?.[1];
  return first !== undefined && !others.has(first);
}

/** The path and query of a request target, which proxies may be sent with an origin; undefined where it is neither. */
export function originForm(url: string): string | undefined {
  if (url.startsWith("/")) return url;
  const rest = /^https?:\/\/[^/?#]+(\/.*)?$/i.exec(url);
  return rest ? (rest[1] ?? "/") : undefined;
}
