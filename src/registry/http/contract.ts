/** Bytes to send: held whole, or streamed once. `length` absent means chunked transfer coding. */
export type RequestBody =
  | Uint8Array
  | { readonly length?: number; readonly bytes: AsyncIterable<Uint8Array> };

/** One request, as it is to be sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case, each once. Host, content-length, transfer-encoding and connection are the client's to set. */
  readonly headers: Readonly<Record<string, string>>;
  /** More of them, where `headers` is an object that many requests have in common. */
  readonly ownHeaders?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal: AbortSignal;
  /** Metadata requests and blob streams wait for connections of their own, so that a HEAD never queues behind layers. */
  readonly lane: "metadata" | "blob";
  /**
   * Given where https is only a try, since the server may speak plain HTTP: a connection of its own finds that out. Called
   * as soon as that one is up.
   */
  readonly onConnect?: () => void;
  /** How long the server may take to answer once the request is sent; the client's default where absent. */
  readonly headersTimeoutMs?: number;
}

/** A response whose head has arrived. Dispose of it: an unread body closes the connection, a read one gives it back. */
export interface HttpResponse extends AsyncDisposable {
  readonly status: number;
  /** Reason phrase as sent, maybe empty. */
  readonly reason: string;
  /** First value of a header, name in lower case. */
  header(name: string): string | undefined;
  /** Every value of a header, in order. */
  headers(name: string): readonly string[];
  /** How the body's end is told. With "close" it cannot be told from a broken connection: compare sizes. */
  readonly framing: "none" | "length" | "chunked" | "close";
  /**
   * The body, once. Ends cleanly only where its framing was complete, or is "close"; else throws a retryable
   * `registry.connection-lost`. Chunks live as `stream/blob-stream.ts` § chunksInUse says.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** What was given of the body so far stays as it is, for whoever still reads it: its memory is not used again. */
  retainChunks(): void;
}

/** Sends requests over pooled HTTP/1.1 connections. Follows no redirect, decodes no content, keeps no cookie. */
export interface HttpClient extends AsyncDisposable {
  /**
   * Resolves when the response head is there. Where the server answers before the body was sent whole, sending stops
   * and that answer is given.
   *
   * @throws {HttpError} with `retryable` decided
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /**
   * Begins a connection that the next metadata request to the URL's origin will use. Disposing of it gives up what was not
   * used. Never throws.
   */
  warm(url: URL): Disposable;
  /**
   * Opens a connection for whoever comes next to an https URL's origin, without knowing whether the server speaks TLS. For
   * `onConnect` see {@link HttpRequest}.
   *
   * @throws {HttpError} what a request would fail by that cannot be sent: {@link plainHttpText} where there is no TLS
   */
  contact(url: URL, signal: AbortSignal, onConnect: () => void): Promise<void>;
}

/** What a failure says that shows a server which speaks plain HTTP where TLS was tried. */
export const plainHttpText = "http: server gave HTTP response to HTTPS client";

/** How TLS is done with one origin. */
export interface TlsSettings {
  /** PEM certificates to trust besides, or with `replaceRoots` instead of, the system's. */
  readonly ca: readonly string[];
  readonly clientCertificates: readonly { readonly certificate: string; readonly key: string }[];
  /** False accepts any certificate. */
  readonly verify: boolean;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL names, colon-separated. */
  readonly ciphers?: string;
  /** Colon-separated group names. */
  readonly groups?: string;
}

/** What a client is built with. */
export interface HttpClientOptions {
  /** Asked once an origin. */
  readonly tlsFor: (origin: URL) => TlsSettings;
  /** The proxy for a URL (http, https, socks5, socks5h), or undefined to go direct. */
  readonly proxyFor: (url: URL) => URL | undefined;
  /** A socket of this machine to connect to, whatever host and port a URL names. */
  readonly socketPath?: string;
  /** For the hop to an https proxy, asked when there is one; Node's own roots where absent. */
  readonly proxyTls?: () => TlsSettings;
  /**
   * Asked of each address that a host has, when it is connected to directly: false keeps the client from it. All are
   * allowed where absent.
   */
  readonly mayConnect?: (origin: URL, address: string) => boolean;
  /** Connections per origin and lane. */
  readonly connections: number;
  /** Whether large bodies may take twice the memory, some 5 MB each while they are few: less work a byte. No where absent. */
  readonly roomy?: boolean;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Told of every request as it is sent, for counting and `--debug`. The URL is redacted. */
  readonly onRequest?: (request: { readonly method: string; readonly url: string }) => void;
}

/** Milliseconds; `specs/registry.md` 4.4. */
export interface HttpTimeouts {
  readonly connectMs: number;
  readonly tlsMs: number;
  readonly headersMs: number;
  /** Longest wait for the next bytes of a body while a read is outstanding. */
  readonly readIdleMs: number;
  /** Longest wait for the peer to take bytes written. */
  readonly writeIdleMs: number;
}
