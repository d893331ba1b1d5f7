import type { ServerCall } from "../caller.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** The header that counts the proxies a request has come through. */
export const hopsHeader = "oci-proxy-hops";

/** More than these are a circle. */
export const maxHops = 5;

/** What a request's header says; nonsense counts as the most there can be. */
export function parseHops(header: string | undefined): number {
  if (header === undefined || header.trim() === "") return 0;
  return /^\s*\d{1,3}\s*$/.test(header) ? Number(header) : maxHops;
}

/**
 * How many hops a request is away from its client when it leaves here.
 *
 * @throws {RegistryAnswerError} 508 where proxies ask one another in a circle
 */
export function nextHop({ hops = 0 }: Pick<ServerCall, "hops">): number {
  if (hops < maxHops) return hops + 1;
  throw new RegistryAnswerError("UNAVAILABLE", `the request has come through ${hops} proxies`, {
    status: 508,
    hint: "Look for proxies that have each other as their upstream",
  });
}
