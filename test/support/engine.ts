import { createGate, type Gate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import type { Endpoint } from "../../src/config/endpoints.ts";
import { type CopyEnd, copy } from "../../src/copy/copy.ts";
import type { CopyEvent } from "../../src/copy/events.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import type { Signing } from "../../src/copy/sign.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { Credentials } from "../../src/registry/credentials.ts";
import type { RegistryEvent } from "../../src/registry/events.ts";
import { createRegistryHost, type RegistryHost } from "../../src/registry/host.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import type { HttpClient, HttpTimeouts } from "../../src/registry/http/contract.ts";
import type { RegistryHostOptions, RegistryLimits } from "../../src/registry/options.ts";
import { Compression } from "../../src/stream/recompress.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import { createDirTransport } from "../../src/transport/dir/transport.ts";
import type { DockerEndpoints } from "../../src/transport/docker/endpoints.ts";
import type { FindSignaturePlaces } from "../../src/transport/docker/signatures.ts";
import { createDockerTransport } from "../../src/transport/docker/transport.ts";
import { createOciTransport } from "../../src/transport/oci/transport.ts";
import { resolveImage } from "../../src/transport/transports.ts";
import { storageTransport } from "./image-store.ts";
import { noTrust } from "./no-trust.ts";
import { SteppedClock } from "./stepped-clock.ts";

export interface EngineOptions {
  /** By host:port. */
  readonly credentials?: Readonly<Record<string, Credentials>>;
  /** The program's unless told: nothing but silence may run into them, however busy the machine. */
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly limits?: Partial<RegistryLimits>;
  /** What else the client of a host is made with. */
  readonly hostOptions?: (domain: string) => Partial<RegistryHostOptions>;
  /** PEM of a CA to trust. */
  readonly ca?: string;
  /** Besides docker, oci and dir. */
  readonly moreTransports?: readonly Transport[];
  /** By default there are no signatures. */
  readonly signaturePlaces?: FindSignaturePlaces;
}

const noStore = {
  mayHold: async () => false,
  read: async () => [],
  append: async () => {},
  remove: async () => {},
  removeAll: async () => {},
  checkWritable: async () => {},
};
/** No signatures anywhere. */
export const nowhere = {
  where: "nowhere",
  read: noStore,
  write: noStore,
  more: [],
  attachments: false,
  open: () => noStore,
};

/** For tests of silence, which is noticed in two seconds then. */
export const noticesSilence = {
  timeouts: { headersMs: 1500, readIdleMs: 1500, writeIdleMs: 1500 },
  limits: { finishMs: 1500 },
} as const satisfies EngineOptions;

const plainOptions: CopyOptions = {
  select: { type: "system" },
  platform: { os: "linux", architecture: "amd64" },
  preserveDigests: false,
  removeSignatures: false,
  compression: { force: false },
};

/** The copy engine as the command line builds it, in this process; what it is told to wait for passes at once. */
export class Engine implements AsyncDisposable {
  readonly events: CopyEvent[] = [];
  readonly traffic: RegistryEvent[] = [];
  readonly #options: EngineOptions;
  readonly #clock = new SteppedClock();
  readonly #http: HttpClient;
  readonly #hosts = new Map<string, RegistryHost>();
  readonly #transports: ReadonlyMap<string, Transport>;

  constructor(options: EngineOptions = {}) {
    this.#options = options;
    this.#http = createHttpClient({
      connections: 8,
      ...(options.timeouts && { timeouts: options.timeouts }),
      proxyFor: () => undefined,
      tlsFor: () => ({
        ca: options.ca ? [options.ca] : [],
        clientCertificates: [],
        verify: options.ca !== undefined,
      }),
    });
    const transports = [
      createDockerTransport({
        endpoints: this.#endpoints(),
        tagAndDigest: true,
        signaturePlaces: options.signaturePlaces ?? (async () => nowhere),
      }),
      createOciTransport(),
      createDirTransport(),
      storageTransport(),
      ...(options.moreTransports ?? []),
    ];
    this.#transports = new Map(transports.map((transport) => [transport.name, transport]));
  }

  /** Copies between references as typed. */
  async copy(
    from: string,
    to: string,
    options: Partial<CopyOptions> & {
      signal?: AbortSignal;
      tellLayers?: boolean;
      signing?: Signing;
      gate?: Gate;
    } = {},
  ): Promise<Digest> {
    const {
      signal = new AbortController().signal,
      tellLayers = false,
      signing,
      ...others
    } = options;
    const { gate = createGate(acceptAnything, noTrust), ...rest } = others;
    return await copy({
      from: await this.end(from, "source"),
      to: await this.end(to, "destination"),
      gate,
      options: { ...plainOptions, ...rest },
      ...(signing && { signing }),
      transfers: createTransfers(6),
      compression: new Compression({ parallel: 2 }),
      report: (event) => this.events.push(event),
      tellLayers,
      signal,
    });
  }

  /** One end of a copy, for those who build their own. */
  end(text: string, as: "source" | "destination"): Promise<CopyEnd> {
    return resolveImage(this.#transports, text, as, { signal: new AbortController().signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) await host[Symbol.asyncDispose]();
    await this.#http[Symbol.asyncDispose]();
  }

  #endpoints(): DockerEndpoints {
    const own = (reference: Endpoint["reference"]): Endpoint => ({
      reference,
      insecure: this.#options.ca === undefined,
      isMirror: false,
    });
    return {
      toRead: async (reference) => [own(reference)],
      toWrite: async (reference) => own(reference),
      repository: async ({ reference }, access) =>
        this.#host(reference.domain).repository(reference.path, access),
    };
  }

  #host(domain: string): RegistryHost {
    const known = this.#hosts.get(domain);
    if (known) return known;
    const host = createRegistryHost({
      host: domain,
      http: this.#http,
      credentials: async () => this.#options.credentials?.[domain],
      security: this.#options.ca === undefined ? "insecure" : "verify",
      userAgent: "amphora-tests",
      clock: this.#clock,
      random: () => 0.5,
      report: (event) => this.traffic.push(event),
      ...(this.#options.limits && { limits: this.#options.limits }),
      ...this.#options.hostOptions?.(domain),
    });
    this.#hosts.set(domain, host);
    return host;
  }
}
