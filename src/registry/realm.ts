import { isIP } from "node:net";
import { mayLeadTo } from "./address.ts";
import type { Challenge } from "./challenge.ts";

/** A token service as a Bearer challenge names it — distribution, "Token Authentication". */
export interface Realm {
  readonly url: URL;
  readonly service: string | undefined;
}

/**
 * The realm of a Bearer challenge, or undefined where it is not one to use: no http(s) URL (Nexus has said `null://`),
 * without TLS though the registry has it, or inside our network though the registry is outside.
 */
export function usableRealm(
  challenge: Challenge,
  registry: URL,
  insecure: boolean,
): Realm | undefined {
  const url = URL.parse(challenge.parameters.get("realm") ?? "");
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    return undefined;
  }
  if (registry.protocol === "https:" && url.protocol === "http:" && !insecure) return undefined;
  if (!mayLeadTo(registry, url)) return undefined;
  return { url, service: challenge.parameters.get("service") || undefined };
}

/** Registries whose token service is known to live under another registrable domain. */
const knownPairs: readonly (readonly [registry: string, realm: string])[] = [
  ["docker.io", "docker.com"],
  ["dhi.io", "docker.io"],
];

/** Whether a realm belongs to the registry: the same host, the same registrable domain, or a known pair. */
export async function isOwnRealm(registry: URL, realm: URL): Promise<boolean> {
  if (registry.hostname === realm.hostname) return true;
  if (isIP(registry.hostname) !== 0 || isIP(realm.hostname) !== 0) return false;
  const { getDomain } = await import("tldts"); // its public suffix list is slow to load, and rarely needed
  const domain = (url: URL) => getDomain(url.hostname, { allowPrivateDomains: true }) ?? undefined;
  const own = domain(registry);
  const other = domain(realm);
  if (own === undefined || other === undefined) return false;
  return own === other || knownPairs.some((pair) => pair[0] === own && pair[1] === other);
}
