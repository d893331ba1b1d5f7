/** Query parameters that registries use openly; any other may be a presigned URL's secret. */
const open = new Set([
  "artifactType",
  "account",
  "digest",
  "digest-algorithm",
  "from",
  "last",
  "mount",
  "n",
  "ns",
  "scope",
  "service",
]);

/** A URL fit for logs: no user info, no fragment, and of the query only what is known to be no secret. */
export function redactUrl(url: URL): string {
  const query = [...url.searchParams].map(
    ([name, value]) => `${name}=${open.has(name) ? value : "REDACTED"}`,
  );
  const search = query.length === 0 ? "" : `?${query.join("&")}`;
  return `${url.origin}${url.pathname}${search}`;
}
