import type { IncomingHttpHeaders } from "node:http";
import { JobsApiError } from "./errors.ts";

/**
 * Refuses what a browser sends on behalf of another site's page, which may come with the credentials of whoever sits
 * there: what such a request changes, nobody meant to.
 *
 * @throws {JobsApiError} 403 `job.denied`
 */
export function refuseCrossSite(method: string, headers: IncomingHttpHeaders): void {
  if (method === "GET" || method === "HEAD") return;
  const site = headers["sec-fetch-site"];
  const isOurs = site === undefined || site === "same-origin" || site === "none";
  if (isOurs && isSameHost(headers.origin, headers.host)) return;
  throw new JobsApiError(403, "job.denied", "a page of another site may not do this");
}

/** Schemes are not compared: TLS may end in front of us. `null` is an origin of nobody. */
function isSameHost(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: of } = new URL(origin);
  const asked = `${protocol}//${host ?? ""}`;
  return URL.canParse(asked) && new URL(asked).host === of;
}
