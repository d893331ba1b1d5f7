/**
 * The path and query of the next page in a `Link` header; undefined where there is none. The host named in it does not
 * count: pages are asked of the registry itself — OCI distribution-spec § Listing Tags.
 */
export function nextPage(links: readonly string[], from: URL): string | undefined {
  for (const link of links) {
    for (const match of link.matchAll(/<([^>]*)>((?:\s*;\s*[^,;]*)*)/g)) {
      if (!/;\s*rel\s*=\s*"?(?:[^"]*\s)?next\b/i.test(match[2] ?? "")) continue;
      const url = URL.parse(match[1] ?? "", from.href);
      if (url) return url.pathname + url.search;
    }
  }
  return undefined;
}
