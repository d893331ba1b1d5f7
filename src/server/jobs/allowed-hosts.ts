import { innerAreaOf, isInnerHost } from "../../registry/address.ts";
import { apiHost } from "../../registry/options.ts";
import type { ServerSettings } from "../settings.ts";

/** How a host is reached that the settings know. */
export interface HostReach {
  /** Where it is asked, if not at https://HOST. */
  readonly url?: URL;
  readonly insecure: boolean;
  /** A file of PEM certificates. */
  readonly ca?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/** Which hosts jobs and webhooks may be about, and where connections made for them may lead. */
export interface AllowedHosts {
  /** Whether a job may name a registry, as references do: `docker.io`, `localhost:5000`. */
  mayName(domain: string): boolean;
  /** Whether a webhook may go there. This server and the upstreams are for images. */
  mayCall(url: URL): boolean;
  /**
   * Whether a connection may be made, wherever the name comes from: a job, a redirect, a challenge. Addresses within this
   * machine or network are for hosts that the settings name one by one.
   */
  mayConnect(origin: URL, address: string): boolean;
  /** Of a host that the settings say more of than its name. */
  reach(domain: string): HostReach | undefined;
}

type Hosts = Pick<ServerSettings, "name" | "upstreams"> & {
  readonly jobs: Pick<ServerSettings["jobs"], "allowedHosts" | "serverUrl">;
};

/** What is known besides the settings' sections. */
export interface KnownHosts {
  /** Where this server is reached on this machine. */
  readonly own?: string | undefined;
  /** Registries that the mirrors of the settings name: `domainsOf`. */
  readonly mirrored?: readonly string[];
}

/** Hosts that the settings name anywhere, or that one of their patterns takes. */
export function createAllowedHosts(
  settings: Hosts,
  { own, mirrored = [] }: KnownHosts = {},
): AllowedHosts {
  const reaches = reachesOf(settings, own);
  const others = [settings.name, ...mirrored].map((name) => name.toLowerCase());
  const known = new Set([...others, ...reaches.keys()]);
  const entries = settings.jobs.allowedHosts.map((entry) =>
    typeof entry === "string" ? entry.toLowerCase() : entry.host.toLowerCase(),
  );
  const patterns = entries.filter((entry) => entry.startsWith("*"));
  const listed = new Set(entries.filter((entry) => !entry.startsWith("*")));
  const inside = new Set([...known, ...listed].flatMap((name) => urlHosts(name)));
  for (const { url } of reaches.values()) if (url) inside.add(url.host);
  const redirects = new Set(
    settings.upstreams.flatMap(({ redirectsTo }) => redirectsTo.map((name) => name.toLowerCase())),
  );
  const called = new Set([...listed].flatMap((name) => urlHosts(name)));
  return {
    mayName(domain) {
      const name = domain.toLowerCase();
      return listed.has(name) || known.has(name) || isPublic(name, patterns);
    },
    mayCall: ({ host }) => called.has(host) || isPublic(host, patterns),
    mayConnect: ({ host, hostname }, address) =>
      innerAreaOf(address) === undefined ||
      inside.has(host) ||
      redirects.has(host) ||
      redirects.has(hostname),
    reach: (domain) => reaches.get(domain.toLowerCase()),
  };
}

/** Later ones count more: what is said for jobs, over upstreams. */
function reachesOf(
  { name, upstreams, jobs }: Hosts,
  own: string | undefined,
): ReadonlyMap<string, HostReach> {
  const reaches = new Map<string, HostReach>();
  // What the settings name may be far away; what is known besides is this machine.
  const ownUrl = own ?? jobs.serverUrl;
  if (ownUrl !== undefined)
    reaches.set(name.toLowerCase(), { insecure: own !== undefined, url: new URL(ownUrl) });
  for (const { name: upstream, url, insecure, ca, clientCertificate, clientKey } of upstreams) {
    reaches.set(upstream.toLowerCase(), {
      insecure,
      ...(url !== undefined && { url: new URL(url) }),
      ...(ca !== undefined && { ca }),
      ...(clientCertificate !== undefined && { clientCertificate }),
      ...(clientKey !== undefined && { clientKey }),
    });
  }
  for (const entry of jobs.allowedHosts) {
    if (typeof entry === "string") continue;
    const { host, url, insecure, ca } = entry;
    reaches.set(host.toLowerCase(), {
      insecure,
      ...(url !== undefined && { url: new URL(url) }),
      ...(ca !== undefined && { ca }),
    });
  }
  return reaches;
}

/** A name that a pattern takes is one of the public network: with a dot in it, no address of ours, at the usual port. */
function isPublic(name: string, patterns: readonly string[]): boolean {
  if (!URL.canParse(`https://${name}`)) return false;
  const url = new URL(`https://${name}`);
  if (isInnerHost(url)) return false;
  return patterns.some(
    (pattern) => pattern === "*" || (url.port === "" && url.hostname.endsWith(pattern.slice(1))),
  );
}

/** As URLs have it: the usual port is not written, and Docker Hub is asked elsewhere than its name says. */
function urlHosts(name: string): readonly string[] {
  const hosts = [name, apiHost(name)].flatMap((host) =>
    ["https:", "http:"].flatMap((scheme) => {
      const text = `${scheme}//${host}`;
      return URL.canParse(text) ? [new URL(text).host] : [];
    }),
  );
  return [...new Set(hosts)];
}
