import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tempFolder } from "./temp.ts";

/** One request that came. */
export interface EngineRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  /** What was sent along; of a request that broke off, undefined. */
  readonly body: Buffer | undefined;
}

export interface DockerEngineOptions {
  /** Answers instead of the engine; false leaves it to that. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** What `GET /images/get` gives. */
  readonly saved?: Buffer;
  readonly apiVersion?: string;
}

/** A Docker daemon that does what it is told, on a socket of its own: for faults, which a real one does not make. */
export interface DockerEngine extends AsyncDisposable {
  readonly host: string;
  readonly requests: readonly EngineRequest[];
}

export async function startDockerEngine(options: DockerEngineOptions = {}): Promise<DockerEngine> {
  const folder = await tempFolder();
  const requests: EngineRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const note = (body: Buffer | undefined) => {
      const { method = "", url = "", headers } = request;
      requests.push({ method, url, headers, body });
    };
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("close", () => {
      if (!request.complete) note(undefined);
    });
    request.on("end", () => {
      note(Buffer.concat(chunks));
      if (!isAnswered) answer(request, response, options);
    });
    // Of a request with a body before that is there: a daemon may answer early.
    const isAnswered = request.method === "POST" && options.answer?.(request, response) === true;
  });
  await listen(server, folder.in("engine.sock"));
  return {
    host: `unix://${folder.in("engine.sock")}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { answer: instead, saved, apiVersion = "1.41" }: DockerEngineOptions,
): void {
  if (request.url === "/_ping") {
    response.setHeader("api-version", apiVersion);
    response.end("OK");
  } else if (request.method === "GET" && instead?.(request, response)) {
    // it has answered
  } else if (request.url?.includes("/images/get")) {
    response.setHeader("content-type", "application/x-tar");
    response.end(saved);
  } else if (request.url?.includes("/images/load")) {
    response.setHeader("content-type", "application/json");
    response.end('{"stream":"Loaded image: x"}\n');
  } else {
    refuse(response, 404, "page not found");
  }
}

/** What the daemon says where it will not. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ message }));
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}
