import { createHttpClient } from "../../registry/http/client.ts";
import type { HttpClient, TlsSettings } from "../../registry/http/contract.ts";
import type { Transport } from "../contract/transport.ts";
import { openDaemonDestination } from "./destination.ts";
import { EngineClient } from "./engine-client.ts";
import { type DaemonHost, defaultDaemonHost, parseDaemonHost } from "./host.ts";
import { resolveDaemonLocation } from "./location.ts";
import { openDaemonSource } from "./source.ts";

/** How the daemon is reached. */
export interface DockerDaemonOptions {
  /** As in `--daemon-host`; by default the socket that it has by default. */
  readonly host?: string;
  /** Asked only where the host is reached by TLS. */
  readonly tls: () => TlsSettings;
  /** Keeps a client for closing, at the end of the run. */
  readonly onOpen: (client: AsyncDisposable) => void;
  /** A folder to keep images in while they are read. */
  readonly spoolFolder?: string;
}

/** A daemon may be busy for long between two bytes: it packs and unpacks whole layers. */
const patienceMs = 6 * 60 * 60 * 1000;

/** Images of a Docker daemon. */
export function createDockerDaemonTransport(options: DockerDaemonOptions): Transport {
  let client: EngineClient | undefined;
  const connected = () => {
    client ??= createClient(parseDaemonHost(options.host ?? defaultDaemonHost), options);
    return client;
  };
  const { spoolFolder } = options;
  return {
    name: "docker-daemon",
    resolve: async (text) => resolveDaemonLocation(text),
    openSource: async (reference, { signal }) =>
      await openDaemonSource(reference, connected(), {
        signal,
        ...(spoolFolder !== undefined && { spoolFolder }),
      }),
    openDestination: async (reference, { signal }) =>
      await openDaemonDestination(reference, connected, { signal }),
  };
}

function createClient(host: DaemonHost, { tls, onOpen }: DockerDaemonOptions): EngineClient {
  const settings = host.url.protocol === "https:" ? tls() : undefined;
  const http: HttpClient = createHttpClient({
    connections: 2,
    tlsFor: () => settings ?? { ca: [], clientCertificates: [], verify: true },
    proxyFor: () => undefined,
    ...(host.socketPath !== undefined && { socketPath: host.socketPath }),
    timeouts: { headersMs: patienceMs, readIdleMs: patienceMs, writeIdleMs: patienceMs },
  });
  onOpen(http);
  return new EngineClient(host, http);
}
