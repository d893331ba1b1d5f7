import type { Endpoint } from "../config/endpoints.ts";
import { endpointsFor, primaryEndpoint } from "../config/endpoints.ts";
import type { FindCredentials } from "../config/load-credentials.ts";
import type { RegistriesConf } from "../config/registries-conf.ts";
import type { TlsFor, TlsSettings } from "../config/tls-settings.ts";
import type { Credentials } from "../registry/credentials.ts";
import type { ReportRegistry } from "../registry/events.ts";
import { createRegistryHost, type RegistryHost } from "../registry/host.ts";
import { createHttpClient } from "../registry/http/client.ts";
import type { HttpClient } from "../registry/http/contract.ts";
import { apiHost } from "../registry/options.ts";
import { registryOrigin } from "../registry/origin.ts";
import type { Coordinator } from "../sync/coordinator.ts";
import { hostOptions } from "../sync/host-options.ts";
import type { DockerEndpoints } from "../transport/docker/endpoints.ts";
import { clock } from "./clock.ts";
import { withPrefix } from "./errors.ts";
import type { EndSettings } from "./settings.ts";

/** Where connections may lead, and how hosts are reached, where settings say more of them than this machine's files. */
export interface RegistryReach {
  /** Asked of each address that is connected to. */
  mayConnect(origin: URL, address: string): boolean;
  /** Of a host that the settings know, as references name it. */
  hostOf(domain: string): KnownHost | undefined;
}

/** A host, as settings know it. */
export interface KnownHost {
  /** Where it is asked, if not at https://HOST. */
  readonly url?: URL;
  /** Takes any certificate, and plain HTTP where there is no TLS. */
  readonly insecure: boolean;
  tls(): TlsSettings;
}

/** What the registries of one end of a run are reached with. */
export interface RegistriesOptions {
  readonly settings: EndSettings;
  readonly registriesConf: () => Promise<RegistriesConf>;
  readonly findCredentials: () => Promise<FindCredentials>;
  readonly tlsFor: TlsFor;
  readonly proxyFor: (url: URL) => URL | undefined;
  /** For the hop to an https proxy: the system's roots, and no certificates of registries. */
  readonly proxyTls: () => TlsSettings;
  readonly userAgent: string;
  readonly report: ReportRegistry;
  /** Absent: anywhere, by this machine's files alone. Credentials go to no token service of another domain with it. */
  readonly reach?: RegistryReach;
  /** Where many images are copied: what hosts may be asked, and what is known of them. */
  readonly coordinator?: Coordinator;
}

interface KnownOrigin {
  readonly domain: string;
  readonly insecure: boolean;
  readonly known?: KnownHost | undefined;
}

interface LastHost {
  readonly domain: string;
  readonly insecure: boolean;
  readonly credentials: Credentials | undefined;
  readonly host: RegistryHost;
}

const credentialsFreshMs = 5000;

/** The registries of one end: a client a host and user, connections shared, all closed together. */
export class Registries implements DockerEndpoints, AsyncDisposable {
  readonly #options: RegistriesOptions;
  readonly #http: HttpClient;
  readonly #hosts = new Map<string, RegistryHost>();
  #last: LastHost | undefined;
  readonly #beside = new Map<string, HttpClient>();
  /** What was found of late, by repository. */
  readonly #found = new Map<
    string,
    { readonly at: number; readonly credentials: Promise<Credentials | undefined> }
  >();
  /** By URL host: the name that references and certificate folders know it by, and whether any certificate will do. */
  readonly #origins = new Map<string, KnownOrigin>();

  constructor(options: RegistriesOptions) {
    this.#options = options;
    const { reach } = options;
    this.#http = createHttpClient({
      connections: Math.max(8, options.settings.requestsAtOnce ?? 0),
      proxyFor: options.proxyFor,
      proxyTls: options.proxyTls,
      ...(reach && { mayConnect: (origin, address) => reach.mayConnect(origin, address) }),
      tlsFor: (origin) => {
        const { domain, insecure, known } = this.#origins.get(origin.host) ?? {
          domain: origin.host,
          insecure: options.settings.tlsVerify === false,
        };
        return known?.tls() ?? options.tlsFor(domain, { verify: !insecure });
      },
    });
  }

  async toRead(reference: Endpoint["reference"]): Promise<readonly Endpoint[]> {
    const { registriesConf } = this.#options;
    const conf = await withPrefix("loading registries configuration", registriesConf);
    return endpointsFor(conf, reference).endpoints;
  }

  /** Skopeo reads the file for the credentials first, where it has to look for any: its errors say so. */
  async toWrite(reference: Endpoint["reference"]): Promise<Endpoint> {
    const { registriesConf, settings } = this.#options;
    const during = settings.credentials ? "loading registries" : "getting username and password";
    return primaryEndpoint(await withPrefix(during, registriesConf), reference);
  }

  async repository(endpoint: Endpoint, access: Parameters<RegistryHost["repository"]>[1]) {
    if (endpoint.refusal) throw endpoint.refusal;
    const { domain, path } = endpoint.reference;
    const host = this.#host(domain, endpoint.insecure, await this.#credentials(endpoint));
    return host.repository(path, access);
  }

  /** The client for a host as a whole, with credentials that are not yet stored: for login. */
  host(domain: string, insecure: boolean, credentials: Credentials): RegistryHost {
    return this.#host(domain, insecure, credentials);
  }

  /**
   * The client for what is kept beside a registry, wherever that is: with the registry's certificates, and over its own
   * connections where it is the same host.
   */
  beside({ reference: { domain }, insecure }: Endpoint): HttpClient {
    const { tlsFor, proxyFor, proxyTls, reach } = this.#options;
    const known = reach?.hostOf(domain);
    const verify = !(known?.insecure ?? this.#isLax(insecure));
    const key = JSON.stringify([domain, verify]);
    const made = this.#beside.get(key);
    if (made) return made;
    const own = known?.url?.host ?? apiHost(domain);
    const others = createHttpClient({
      connections: 8,
      proxyFor,
      proxyTls,
      tlsFor: () => known?.tls() ?? tlsFor(domain, { verify }),
      ...(reach && { mayConnect: (origin, address) => reach.mayConnect(origin, address) }),
    });
    const client: HttpClient = {
      request: (request) => (request.url.host === own ? this.#http : others).request(request),
      warm: (url) => (url.host === own ? this.#http : others).warm(url),
      contact: (url, signal, onConnect) =>
        (url.host === own ? this.#http : others).contact(url, signal, onConnect),
      [Symbol.asyncDispose]: () => others[Symbol.asyncDispose](),
    };
    this.#beside.set(key, client);
    return client;
  }

  #isLax(insecure: boolean): boolean {
    const { tlsVerify } = this.#options.settings;
    return tlsVerify === undefined ? insecure : !tlsVerify;
  }

  /** Most images are of the same host and user as the one before. */
  #host(domain: string, insecure: boolean, credentials: Credentials | undefined): RegistryHost {
    const last = this.#last;
    const isSame = last?.domain === domain && last.insecure === insecure;
    if (isSame && last.credentials === credentials) return last.host;
    const host = this.#hostOf(domain, insecure, credentials);
    this.#last = { domain, insecure, credentials, host };
    return host;
  }

  #hostOf(domain: string, insecure: boolean, credentials: Credentials | undefined): RegistryHost {
    const { userAgent, report, reach, coordinator, settings } = this.#options;
    const known = reach?.hostOf(domain);
    const lax = known?.insecure ?? this.#isLax(insecure);
    const key = JSON.stringify([domain, lax, credentials]);
    const made = this.#hosts.get(key);
    if (made) return made;
    const shared = coordinator && hostOptions(coordinator, domain, accountOf(credentials));
    const slots = settings.requestsAtOnce;
    if (!known) this.#options.tlsFor(domain, { verify: false }); // bad certificate files are told of before anything is sent
    const origin = known?.url ?? registryOrigin(domain);
    this.#origins.set(origin.host, { domain, insecure: lax, known });
    const host = createRegistryHost({
      host: domain,
      http: this.#http,
      credentials: async () => credentials,
      security: lax ? "insecure" : "verify",
      userAgent,
      clock,
      random: Math.random,
      report,
      ...(known?.url && { origin: known.url }),
      ...(reach && { strictRealm: true }),
      ...shared,
      limits: { ...(slots !== undefined && { slots }), ...shared?.limits },
    });
    this.#hosts.set(key, host);
    return host;
  }

  /** What the command line says counts for the host that it names, and never for one elsewhere. */
  async #credentials({ reference, elsewhere }: Endpoint): Promise<Credentials | undefined> {
    const { credentials, registryToken } = this.#options.settings;
    if (elsewhere) return await this.#stored(reference);
    const own =
      credentials === "nobody" ? undefined : (credentials ?? (await this.#stored(reference)));
    if (registryToken === undefined) return own;
    return { registryToken, ...(own && "password" in own && { basic: own }) };
  }

  /** Thousands of images of one repository ask within seconds; a login meanwhile counts after a few of them. */
  #stored({ domain, path }: Endpoint["reference"]): Promise<Credentials | undefined> {
    const key = `${domain}/${path}`;
    const known = this.#found.get(key);
    if (known && clock.now() - known.at < credentialsFreshMs) return known.credentials;
    const credentials = this.#find(key);
    if (this.#found.size >= 256) this.#found.clear();
    this.#found.set(key, { at: clock.now(), credentials });
    credentials.catch(() => this.#found.delete(key));
    return credentials;
  }

  async #find(key: string): Promise<Credentials | undefined> {
    const find = await this.#options.findCredentials();
    const signal = AbortSignal.timeout(60_000);
    const found = await withPrefix("getting username and password", () => find(key, { signal }));
    return found?.credentials;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) await host[Symbol.asyncDispose]();
    for (const client of this.#beside.values()) await client[Symbol.asyncDispose]();
    await this.#http[Symbol.asyncDispose]();
  }
}

/** Users are told apart by it, where registries count pulls for each. */
function accountOf(credentials: Credentials | undefined): string | undefined {
  if (!credentials) return undefined;
  return "username" in credentials ? credentials.username : "token";
}
