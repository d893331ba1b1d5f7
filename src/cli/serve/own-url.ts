/**
 * Where processes of this machine reach a server that listens at these URLs; undefined where it listens at sockets in the
 * file system alone. Every address means this machine's own.
 */
export function ownUrlFor(urls: readonly string[]): string | undefined {
  const found = urls.find((url) => /^https?:/.test(url));
  if (found === undefined) return undefined;
  const url = new URL(found);
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  return url.origin;
}
