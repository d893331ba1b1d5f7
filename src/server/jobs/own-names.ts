import { isIP } from "node:net";
import type { ServerSettings } from "../settings.ts";

/** What the names that a server is asked by are known from. */
export type NamingSettings = Pick<ServerSettings, "name" | "listen" | "tls" | "jobs" | "access">;

/**
 * Whether a `Host` is a name of this server's. A page can have its own name lead here after it was loaded (DNS rebinding), and is
 * then of this server's origin to the browser; so of names with a domain in them only those count that the settings know.
 * Addresses and single words are nobody's domain. With TLS the browser has asked for a certificate of the name.
 */
export function ownNames(settings: NamingSettings): (host: string | undefined) => boolean {
  if (settings.tls) return () => true;
  const names = new Set(named(settings));
  return (host) => {
    if (host === undefined) return true; // no browser
    const name = nameIn(`http://${host}`);
    if (name === undefined) return false;
    return !name.includes(".") || name.endsWith(".localhost") || isAddress(name) || names.has(name);
  };
}

function* named({ name, listen, jobs, access }: NamingSettings): Generator<string | undefined> {
  yield nameIn(`http://${name}`);
  for (const address of listen) if (address.type === "tcp") yield address.host.toLowerCase();
  for (const url of [jobs.serverUrl, access?.tokens?.url]) if (url) yield nameIn(url);
}

/** In small letters, without port and last dot. */
function nameIn(url: string): string | undefined {
  return URL.parse(url)?.hostname.replace(/\.$/, "");
}

function isAddress(name: string): boolean {
  return isIP(name) !== 0 || name.startsWith("[");
}
