import { quoted } from "../printable.ts";
import { redactedUrl } from "../redact.ts";
import { AbortCalls } from "./abort-calls.ts";
import { ConnectionPool, type Taken } from "./connection-pool.ts";
import type {
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
  HttpTimeouts,
} from "./contract.ts";
import { HttpError } from "./errors.ts";
import { exchange } from "./exchange.ts";
import { IdleConnections } from "./idle-connections.ts";
import { LargeBlocks } from "./inbox.ts";
import { Route } from "./route.ts";
import { TlsLayer } from "./tls.ts";
import { periodFor, Watchdog } from "./watchdog.ts";
import type { WireContext } from "./wire.ts";

const defaultTimeouts: HttpTimeouts = {
  connectMs: 15_000,
  tlsMs: 10_000,
  headersMs: 60_000,
  readIdleMs: 60_000,
  writeIdleMs: 60_000,
};

/** A client with connections of its own. Dispose of it to close them; idle ones do not keep the process alive. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new PooledClient(options);
}

interface Origin {
  readonly route: Route;
  readonly lanes: Readonly<Record<HttpRequest["lane"], ConnectionPool>>;
}

class PooledClient implements HttpClient {
  readonly #options: HttpClientOptions;
  readonly #context: WireContext;
  readonly #layer: TlsLayer;
  readonly #aborts = new AbortCalls();
  readonly #origins = new Map<string, Origin>();

  constructor(options: HttpClientOptions) {
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#options = options;
    this.#context = {
      timeouts,
      largeBlocks: new LargeBlocks(options.roomy ?? false),
      watchdog: new Watchdog(periodFor(Object.values(timeouts))),
    };
    this.#layer = new TlsLayer(this.#context);
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const origin = this.#origin(request.url);
    this.#options.onRequest?.({ method: request.method, url: redactedUrl(request.url) });
    const pool = origin.lanes[request.lane];
    const first = await pool.take(request.signal, false, request.onConnect);
    try {
      return await this.#on(first, pool, origin.route, request);
    } catch (error) {
      if (!isStale(first, error, request)) throw error;
    }
    return await this.#on(await pool.take(request.signal, true), pool, origin.route, request);
  }

  warm(url: URL): Disposable {
    return this.#origin(url).lanes.metadata.warm();
  }

  contact(url: URL, signal: AbortSignal, onConnect: () => void): Promise<void> {
    return this.#origin(url).lanes.metadata.contact(signal, onConnect);
  }

  [Symbol.asyncDispose](): Promise<void> {
    const reason = new HttpError("registry.connection-lost", "http: client closed", {
      phase: "connect",
    });
    for (const { lanes } of this.#origins.values()) {
      lanes.metadata.close(reason);
      lanes.blob.close(reason);
    }
    return Promise.resolve();
  }

  #on(
    { wire }: Taken,
    pool: ConnectionPool,
    route: Route,
    request: HttpRequest,
  ): Promise<HttpResponse> {
    const { headersMs, readIdleMs } = this.#context.timeouts;
    return exchange(wire, request, {
      head: route.head,
      aborts: this.#aborts,
      headersMs: request.headersTimeoutMs ?? headersMs,
      readIdleMs,
      onFree: (keep) => pool.release(wire, keep),
    });
  }

  #origin(url: URL): Origin {
    const known = this.#origins.get(url.origin);
    if (known) return known;
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      const text = `unsupported protocol scheme ${quoted(url.protocol.slice(0, -1))}`;
      throw new HttpError("registry.unreachable", text, { phase: "connect" });
    }
    const route = new Route(url, this.#options, this.#context, this.#layer);
    const idle = new IdleConnections(this.#context.watchdog);
    const lane = () => new ConnectionPool(route, this.#options.connections, idle);
    const origin = { route, lanes: { metadata: lane(), blob: lane() } };
    this.#origins.set(url.origin, origin);
    return origin;
  }
}

/**
 * Whether the server had closed a kept connection before the request came: then it has not seen the request, or will
 * not tell. Only what can be sent again unchanged is.
 */
function isStale(taken: Taken, error: unknown, request: HttpRequest): boolean {
  if (!taken.reused || request.signal.aborted || !(error instanceof HttpError)) return false;
  if (error.code !== "registry.connection-lost" || taken.wire.heard) return false;
  return request.body === undefined || request.body instanceof Uint8Array;
}
