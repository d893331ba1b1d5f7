import { addAbortListener } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Exchange } from "./exchange.ts";
import type { Fault } from "./faults.ts";
import type { Features } from "./features.ts";
import { type LoggedRequest, RequestLog } from "./log.ts";
import { parseOperation } from "./operation.ts";
import { bodyBytes, type Reply } from "./reply.ts";
import { type Rule, type RuleInForce, Rules } from "./rules.ts";
import { resetSocket } from "./socket.ts";
import type { RegistryStore } from "./store.ts";

/** PEM texts. With `clientCa`, clients have to show a certificate of it. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
  readonly clientCa?: string;
}

export interface FaultyServerOptions {
  readonly handle: (exchange: Exchange) => Reply | Promise<Reply>;
  readonly features: () => Features;
  readonly store: RegistryStore;
  readonly keepBytes: number;
  readonly tls?: ServerTls;
  /** The address to listen at; 127.0.0.1 unless told. Only loopback addresses. */
  readonly address?: string;
}

/** A server that logs what it is asked and misbehaves where told. */
export class FaultyServer implements AsyncDisposable {
  readonly log = new RequestLog();
  readonly #rules = new Rules();
  readonly #server: Server;
  readonly #options: FaultyServerOptions;
  readonly #connections = new WeakMap<Socket, number>();
  #connectionCount = 0;
  #address: AddressInfo | undefined;

  private constructor(options: FaultyServerOptions) {
    this.#options = options;
    const { tls } = options;
    this.#server = tls
      ? createTlsServer({
          key: tls.key,
          cert: tls.cert,
          ...(tls.clientCa && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
        })
      : createServer();
    this.#server.requestTimeout = 0;
    this.#server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** Listens on a free port. */
  static async start(options: FaultyServerOptions): Promise<FaultyServer> {
    const made = new FaultyServer(options);
    await new Promise<void>((resolve, reject) => {
      made.#server.once("error", reject);
      made.#server.listen(0, options.address ?? "127.0.0.1", resolve);
    });
    made.#address = made.#server.address() as AddressInfo;
    return made;
  }

  get port(): number {
    return this.#address?.port ?? 0;
  }

  /** `host:port`, as it stands in a docker reference. */
  get host(): string {
    const address = this.#options.address ?? "127.0.0.1";
    return `${address.includes(":") ? `[${address}]` : address}:${this.port}`;
  }

  get origin(): string {
    return `${this.#options.tls ? "https" : "http"}://${this.host}`;
  }

  /** Misbehaves from now on; see {@link Rule}. */
  behave(rule: Rule): RuleInForce {
    return this.#rules.add(rule);
  }

  /** Ends all rules. */
  behaveWell(): void {
    this.#rules.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Clients that go away in the middle are what faults are about: nobody else listens.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const entry = this.#enter(request);
    const faults = this.#rules.take(entry.operation);
    const exchange = this.#exchange(request, response, entry, faults);
    try {
      const reply = await this.#answer(exchange, faults);
      await send(reply, exchange);
    } catch (error) {
      if (!request.destroyed && !response.headersSent) response.writeHead(500).end(String(error));
      else request.destroy();
    }
  }

  #enter(request: IncomingMessage): LoggedRequest {
    const operation = parseOperation(
      request.method ?? "",
      new URL(request.url ?? "/", this.origin),
    );
    const entry: LoggedRequest = {
      operation,
      template: operation.template,
      method: operation.method,
      path: request.url ?? "",
      headers: { ...request.headers },
      origin: this.origin,
      connection: this.#connectionOf(request.socket),
      status: 0,
      bytesIn: 0,
      bytesOut: 0,
    };
    this.log.entries.push(entry);
    return entry;
  }

  #connectionOf(socket: Socket): number {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    this.#connectionCount += 1;
    this.#connections.set(socket, this.#connectionCount);
    return this.#connectionCount;
  }

  #exchange(
    request: IncomingMessage,
    response: ServerResponse,
    entry: LoggedRequest,
    faults: readonly Fault[],
  ): Exchange {
    const { store, keepBytes, features } = this.#options;
    const exchange: Exchange & { body: AsyncIterable<Uint8Array> } = {
      operation: entry.operation,
      request,
      response,
      entry,
      store,
      keepBytes,
      features: features(),
      origin: this.origin,
      body: counted(request, entry),
    };
    for (const fault of faults) {
      if (fault.request) exchange.body = fault.request(exchange.body, exchange);
    }
    return exchange;
  }

  async #answer(exchange: Exchange, faults: readonly Fault[]): Promise<Reply> {
    for (const fault of faults) {
      const early = await fault.arrive?.(exchange);
      if (early) return early;
    }
    let reply = await this.#options.handle(exchange);
    for (const fault of faults) reply = (await fault.reply?.(reply, exchange)) ?? reply;
    return reply;
  }
}

async function* counted(
  request: IncomingMessage,
  entry: LoggedRequest,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of request as AsyncIterable<Buffer>) {
    entry.bytesIn += chunk.byteLength;
    yield chunk;
  }
}

async function send(reply: Reply, exchange: Exchange): Promise<void> {
  const { response, entry, features, operation } = exchange;
  if (reply.status > 0) {
    entry.status = reply.status;
    const headers = { ...features.extraHeaders, ...reply.headers };
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, typeof value === "string" ? value : [...value]);
    }
    response.statusCode = reply.status;
    response.flushHeaders();
    if (operation.method !== "HEAD") await sendBody(reply, exchange);
  }
  await finish(reply, exchange);
}

async function sendBody(reply: Reply, { response, entry }: Exchange): Promise<void> {
  using gone = goneSignal(response);
  for await (const chunk of bodyBytes(reply.body)) {
    if (gone.signal.aborted) return;
    entry.bytesOut += chunk.byteLength;
    if (!response.write(chunk)) await drained(response, gone.signal);
  }
}

/** Aborts when the client is gone. */
function goneSignal(response: ServerResponse): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onClose = () => controller.abort();
  response.once("close", onClose);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => void response.off("close", onClose),
  };
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    response.once("drain", resolve);
    addAbortListener(signal, () => resolve());
  });
}

async function finish(reply: Reply, { response, request }: Exchange): Promise<void> {
  const ending = reply.ending ?? "end";
  if (ending === "end") {
    response.end();
    return;
  }
  if (ending === "hang") return;
  // Let what was written reach the client first: RST would throw it away.
  if (reply.status > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  if (ending === "reset") resetSocket(request.socket);
  else request.socket?.destroySoon();
}
