import { readFileSync, statSync } from "node:fs";
import { findInAuthFile, parseAuthFile } from "../../config/auth-file.ts";
import { readCredentialKey } from "../../config/credentials.ts";
import { fileErrorText } from "../../config/load-file.ts";
import { KnownError } from "../../core/errors.ts";
import { innerAreaOf } from "../../registry/address.ts";
import type { Clock } from "../../registry/clock.ts";
import type { Credentials } from "../../registry/credentials.ts";
import { createRegistryHost, type RegistryHost } from "../../registry/host.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { HttpClient, HttpTimeouts, TlsSettings } from "../../registry/http/contract.ts";
import { registryOrigin } from "../../registry/origin.ts";
import { ServerError } from "../errors.ts";
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

/** How long it may take until it is seen that a file was renewed. */
const lookEveryMs = 2000;

/**
 * Makes connections to upstreams as their settings say. Files are read when they are needed: certificates with the first
 * connection, a password when it is asked for, and all of them again once one is another than it was. What cannot be read
 * fails the request with {@link ServerError} `server.bad-file`.
 */
export function createUpstreamOpener(options: UpstreamOpenerOptions): OpenUpstream {
  return (settings) => new Connection(settings, options);
}

/** What was made of the files as they were at a time. */
interface Reach {
  readonly http: HttpClient;
  readonly hosts: Map<number, RegistryHost>;
  readonly files: string;
}

class Connection implements UpstreamConnection {
  readonly #settings: UpstreamSettings;
  readonly #options: UpstreamOpenerOptions;
  readonly #origin: URL;
  #reach: Reach;
  #lookAt: number;
  /** Where the upstream itself lives, once it was connected to. */
  #area: "private" | "machine" | undefined;

  constructor(settings: UpstreamSettings, options: UpstreamOpenerOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#origin =
      settings.url === undefined ? registryOrigin(settings.name) : new URL(settings.url);
    this.#reach = this.#makeReach(signOf(settings));
    this.#lookAt = options.clock.now() + lookEveryMs;
  }

  host(hops: number): RegistryHost {
    const { http, hosts } = this.#freshReach();
    const known = hosts.get(hops);
    if (known) return known;
    const { clock, random, report, userAgent } = this.#options;
    const { name, insecure } = this.#settings;
    const host = createRegistryHost({
      host: name,
      origin: this.#origin,
      http,
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
    hosts.set(hops, host);
    return host;
  }

  /** What is under way goes on with the files that it began with; the connections it leaves idle close by themselves. */
  #freshReach(): Reach {
    const now = this.#options.clock.now();
    if (now < this.#lookAt) return this.#reach;
    this.#lookAt = now + lookEveryMs;
    const files = signOf(this.#settings);
    if (files !== this.#reach.files) this.#reach = this.#makeReach(files);
    return this.#reach;
  }

  #makeReach(files: string): Reach {
    const { proxyFor, roots, timeouts } = this.#options;
    const http = createHttpClient({
      connections: limits.slots,
      roomy: true,
      proxyFor,
      proxyTls: () => ({ ca: roots(), clientCertificates: [], verify: true }),
      tlsFor: (origin) => this.#tlsFor(origin),
      mayConnect: (origin, address) => this.#mayConnect(origin, address),
      ...(timeouts && { timeouts }),
    });
    return { http, hosts: new Map(), files };
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
              certificate: readText(clientCertificate),
              key: readText(clientKey),
            },
          ];
    const own = ca === undefined ? [] : [readText(ca)];
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
    const { hosts, http } = this.#reach;
    for (const host of hosts.values()) await host[Symbol.asyncDispose]();
    await http[Symbol.asyncDispose]();
  }
}

async function readCredentials(settings: UpstreamSettings): Promise<Credentials | undefined> {
  const { name, username, passwordFile, authFile } = settings;
  if (username !== undefined && passwordFile !== undefined)
    return { username, password: readText(passwordFile).replace(/\r?\n$/, "") };
  if (authFile === undefined) return undefined;
  try {
    const file = parseAuthFile(readText(authFile), { legacy: false });
    const found = findInAuthFile(file, readCredentialKey(name), { legacy: false });
    return found?.kind === "credentials" ? found.credentials : undefined;
  } catch (error) {
    if (error instanceof ServerError || !(error instanceof KnownError)) throw error;
    throw new ServerError("server.bad-file", `${authFile}: ${error.message}`, { cause: error });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ServerError("server.bad-file", fileErrorText(error, "open", path), { cause: error });
  }
}

/** By which it is seen that a file is another one, also where a link in its path was changed. */
function signOf({ ca, clientCertificate, clientKey, passwordFile, authFile }: UpstreamSettings) {
  const paths = [ca, clientCertificate, clientKey, passwordFile, authFile];
  const signs = paths.map((path) => {
    if (path === undefined) return "";
    try {
      const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
      return `${dev}:${ino}:${size}:${mtimeNs}`;
    } catch {
      return "-";
    }
  });
  return signs.join();
}
