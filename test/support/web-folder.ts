import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a {@link WebFolder} says to a request instead of what it would. */
export interface WebAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface WebFolderOptions {
  /** "dav": files may be PUT, into folders that MKCOL made; "put": into any. */
  readonly writing?: "none" | "dav" | "put";
  /** False: `If-None-Match` counts for nothing. */
  readonly conditions?: boolean;
  /** Asked first. "cut" breaks the connection off before the request is done, "cut-after" when it is. */
  readonly answer?: (
    request: IncomingMessage,
    number: number,
  ) => WebFault | undefined | Promise<WebFault | undefined>;
}

type WebFault = WebAnswer | "cut" | "cut-after";

/** A web server on a free port of 127.0.0.1, with files in memory: by path as asked, repeated slashes made one. */
export class WebFolder implements AsyncDisposable {
  readonly files = new Map<string, Uint8Array>();
  readonly folders = new Set<string>(["/"]);
  /** `GET /a?b`, in order. */
  readonly log: string[] = [];
  readonly requests: IncomingMessage[] = [];
  options: WebFolderOptions;
  readonly #server: Server;

  private constructor(options: WebFolderOptions) {
    this.options = options;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(options: WebFolderOptions = {}): Promise<WebFolder> {
    const folder = new WebFolder(options);
    await new Promise<void>((resolve) => folder.#server.listen(0, "127.0.0.1", resolve));
    return folder;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.log.push(`${request.method} ${request.url}`);
    this.requests.push(request);
    const told = await this.options.answer?.(request, this.log.length);
    if (told === "cut") return void request.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = typeof told === "object" ? told : this.#answer(request, Buffer.concat(chunks));
    if (told === "cut-after") return void request.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  #answer(request: IncomingMessage, body: Buffer): WebAnswer {
    const path = new URL(`http://x${request.url}`).pathname.replaceAll(/\/+/g, "/");
    const held = this.files.get(path);
    if (request.method === "GET") return held ? { status: 200, body: held } : { status: 404 };
    if ((this.options.writing ?? "none") === "none") return { status: 405 };
    switch (request.method) {
      case "PUT":
        return this.#put(path, request, body);
      case "DELETE":
        return { status: this.files.delete(path) ? 204 : 404 };
      case "MKCOL":
        return this.#makeFolder(path.replace(/\/$/, ""));
      default:
        return { status: 405 };
    }
  }

  #put(path: string, { headers }: IncomingMessage, body: Buffer): WebAnswer {
    const held = this.files.has(path);
    const { writing, conditions = true } = this.options;
    if (held && conditions && headers["if-none-match"] === "*") return { status: 412 };
    if (writing === "dav" && !this.folders.has(parentOf(path))) return { status: 409 };
    this.files.set(path, body);
    return { status: held ? 204 : 201 };
  }

  #makeFolder(folder: string): WebAnswer {
    if (this.folders.has(folder)) return { status: 405 };
    if (!this.folders.has(parentOf(folder))) return { status: 409 };
    this.folders.add(folder);
    return { status: 201 };
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
