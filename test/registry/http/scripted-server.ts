import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** The server's side of one connection, byte by byte. */
export class Peer {
  readonly socket: Socket;
  /** How many connections came before. */
  readonly nth: number;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  #over = false;

  constructor(socket: Socket, nth: number) {
    this.socket = socket;
    this.nth = nth;
    const over = () => {
      this.#over = true;
      this.#wake();
    };
    socket.on("error", over).on("close", over).on("end", over);
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
  }

  /** All up to the next empty line, without it. Undefined where the client hung up. */
  async head(): Promise<string | undefined> {
    const end = await this.#until(() => this.#received.indexOf("\r\n\r\n"));
    return end === -1 ? undefined : this.#cut(end + 4).toString("latin1", 0, end);
  }

  /** So many bytes, or fewer where the client hung up. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => (this.#received.byteLength >= count ? 0 : -1));
    return this.#cut(count);
  }

  /** All that comes until the client hangs up. */
  async rest(): Promise<Buffer> {
    await this.closed();
    return this.#cut(this.#received.byteLength);
  }

  async closed(): Promise<void> {
    await this.#until(() => -1);
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () =>
        resolve(),
      );
    });
  }

  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at !== -1 || this.#over) return at;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #cut(count: number): Buffer {
    const piece = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(piece.byteLength);
    return piece;
  }
}

/** What a server does with each connection, which is ended with it, and reset by what it throws. */
export type Script = (peer: Peer) => Promise<void>;

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or `https:` with TLS. */
  readonly origin: string;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections open now. */
  readonly open: number;
}

export async function scriptedServer(
  script: Script,
  options: { readonly tls?: TlsOptions } = {},
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    script(new Peer(socket, connections++)).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  };
  const server: Server = options.tls
    ? createTlsServer(options.tls, serve)
    : createServer({ noDelay: true, allowHalfOpen: true }, serve);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${options.tls ? "https" : "http"}://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers every request on a connection with the same bytes; bodies of requests are not read. */
export function answering(response: string | Uint8Array): Script {
  return async (peer) => {
    while ((await peer.head()) !== undefined) await peer.send(response);
  };
}
