import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a browser asks for a page of this very server, or a person typed the address: then what it sends along, cookies or
 * its place on this machine, is meant. True of programs too, which say nothing of it.
 */
export function isSameSite(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return false;
  const { origin, host } = headers;
  if (origin === undefined) return true;
  // Schemes are not compared: TLS may end in front of us.
  return (
    URL.canParse(origin) && host !== undefined && new URL(origin).host === hostOf(origin, host)
  );
}

/** Without a port that the origin's scheme implies. */
function hostOf(origin: string, host: string): string | undefined {
  const asked = `${new URL(origin).protocol}//${host}`;
  return URL.canParse(asked) ? new URL(asked).host : undefined;
}
