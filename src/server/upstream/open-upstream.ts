import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { findInAuthFile, parseAuthFile } from "../../config/auth-file.ts";
import { readCredentialKey } from "../../config/credentials.ts";
import { innerAreaOf } from "../../registry/address.ts";
import type { Clock } from "../../registry/clock.ts";
import type { Credentials } from "../../registry/credentials.ts";
import { createRegistryHost, type RegistryHost } from "../../registry/host.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { HttpClient, HttpTimeouts, TlsSettings } from "../../registry/http/contract.ts";
import { registryOrigin } from "../../registry/origin.ts";
import type { Report } from "../server-event.ts";
import { hopsHeader } from "./hops.ts";
import type { UpstreamSettings } from "./settings.ts";
import type { OpenUpstream, UpstreamConnection } from "./upstream-client.ts";

/** What all upstreams are reached with. */
export interface UpstreamOpenerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: Report;
  readonly userAgent: string;
  /** The system's, in PEM. */
  readonly roots: () => readonly string[];
  readonly proxyFor: (url: URL) => URL | undefined;
  readonly timeouts?: Partial<HttpTimeouts>;
}

/** Requests to one upstream at once, of each kind; a wait that it may ask for; tries of a request. */
const limits = { slots: 32, retryAfterMs: 2000, tries: 3 };

/**
 * Makes connections to upstreams as their settings say. Files are read when they are needed: certificates with the first
 * connection, a password when it is asked for.
 */
export function createUpstreamOpener(options: UpstreamOpenerOptions): OpenUpstream {
  return (settings) => new Connection(settings, options);
}

class Connection implements UpstreamConnection {
  readonly #settings: UpstreamSettings;
  readonly #options: UpstreamOpenerOptions;
  readonly #origin: URL;
  readonly #http: HttpClient;
  readonly #hosts = new Map<number, RegistryHost>();
  /** Where the upstream itself lives, once it was connected to. */
  #area: "private" | "machine" | undefined;

  constructor(settings: UpstreamSettings, options: UpstreamOpenerOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#origin =
      settings.url === undefined ? registryOrigin(settings.name) : new URL(settings.url);
    this.#http = createHttpClient({
      connections: limits.slots,
      roomy: true,
      proxyFor: options.proxyFor,
      proxyTls: () => ({ ca: options.roots(), clientCertificates: [], verify: true }),
      tlsFor: (origin) => this.#tlsFor(origin),
      mayConnect: (origin, address) => this.#mayConnect(origin, address),
      ...(options.timeouts && { timeouts: options.timeouts }),
    });
  }

  host(hops: number): RegistryHost {
    const known = this.#hosts.get(hops);
    if (known) return known;
    const { clock, random, report, userAgent } = this.#options;
    const { name, insecure } = this.#settings;
    const host = createRegistryHost({
      host: name,
      origin: this.#origin,
      http: this.#http,
      credentials: () => readCredentials(this.#settings),
      security: insecure ? "insecure" : "verify",
      strictRealm: true,
      userAgent,
      clock,
      random,
      limits,
      headers: { [hopsHeader]: String(hops) },
      report: (event) => {
        if (event.type !== "answered") return;
        report({ type: "upstream", upstream: name, status: event.status });
      },
    });
    this.#hosts.set(hops, host);
    return host;
  }

  /** What the settings name is for the upstream alone. */
  #tlsFor(origin: URL): TlsSettings {
    const { ca, clientCertificate, clientKey, insecure } = this.#settings;
    const roots = this.#options.roots();
    if (origin.host !== this.#origin.host)
      return { ca: roots, clientCertificates: [], verify: true };
    const clientCertificates =
      clientCertificate === undefined || clientKey === undefined
        ? []
        : [
            {
              certificate: readFileSync(clientCertificate, "utf8"),
              key: readFileSync(clientKey, "utf8"),
            },
          ];
    const own = ca === undefined ? [] : [readFileSync(ca, "utf8")];
    return { ca: [...roots, ...own], clientCertificates, verify: !insecure };
  }

  /**
   * An upstream could otherwise have this server ask whatever it can reach. One in a private network may lead to its
   * neighbours; to this machine, its link and what clouds have there nobody may, unless the settings say so.
   */
  #mayConnect(origin: URL, address: string): boolean {
    const area = innerAreaOf(address);
    if (origin.host === this.#origin.host) {
      this.#area = area;
      return true;
    }
    if (area === undefined || (area === "private" && this.#area === "private")) return true;
    const { redirectsTo } = this.#settings;
    return redirectsTo.includes(origin.host) || redirectsTo.includes(origin.hostname);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) await host[Symbol.asyncDispose]();
    await this.#http[Symbol.asyncDispose]();
  }
}

async function readCredentials(settings: UpstreamSettings): Promise<Credentials | undefined> {
  const { name, username, passwordFile, authFile } = settings;
  if (username !== undefined && passwordFile !== undefined) {
    const password = (await readFile(passwordFile, "utf8")).replace(/\r?\n$/, "");
    return { username, password };
  }
  if (authFile === undefined) return undefined;
  const file = parseAuthFile(await readFile(authFile, "utf8"), { legacy: false });
  const found = findInAuthFile(file, readCredentialKey(name), { legacy: false });
  return found?.kind === "credentials" ? found.credentials : undefined;
}
