import type { IncomingHttpHeaders } from "node:http";
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
