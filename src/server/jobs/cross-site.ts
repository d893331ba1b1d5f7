import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../caller.ts";
import { isSameSite } from "../same-site.ts";
import { JobsApiError } from "./errors.ts";

/**
 * Refuses what a browser sends on behalf of another site's page, which may come with the credentials of whoever sits
 * there: what such a request changes, nobody meant to.
 *
 * @throws {JobsApiError} 403 `job.denied`
 */
export function refuseCrossSite(method: string, headers: IncomingHttpHeaders): void {
  if (method === "GET" || method === "HEAD" || isSameSite(headers)) return;
  throw new JobsApiError(403, "job.denied", "a page of another site may not do this");
}

/**
 * Refuses what nobody in particular asks by a name that is not this server's: it may be a page of that name, in a browser that
 * reaches what its author does not. Whoever says who they are sends that to names they know.
 *
 * @throws {JobsApiError} 403 `job.denied`
 */
export function refuseForeignName(
  { user, address }: Caller,
  { host }: IncomingHttpHeaders,
  isOwnName: (host: string | undefined) => boolean,
): void {
  if (user !== undefined || address === "local" || isOwnName(host)) return;
  throw new JobsApiError(403, "job.denied", "this server is not known by that name", {
    hint: "Have the settings say it (name), or log in",
  });
}
