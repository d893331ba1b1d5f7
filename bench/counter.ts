import http from "node:http";
import type { Socket } from "node:net";

/**
 * Counts what goes to a registry: `node counter.ts LISTEN_PORT TARGET_PORT`, both on 127.0.0.1, plain http. A GET of
 * `/count` answers with a {@link Count} as JSON, and starts over.
 */
const [listenPort = 0, targetPort = 0] = process.argv.slice(2).map(Number);

/** Requests, and bytes on the client's connections both ways, heads included. */
export interface Count {
  readonly requests: readonly string[];
  readonly bytes: number;
}

let requests: string[] = [];
let closedBytes = 0;
const sockets = new Set<Socket>();
const agent = new http.Agent({ keepAlive: true });

function takeCount(): Count {
  const bytes = [...sockets].reduce((sum, socket) => sum + bytesOf(socket), closedBytes);
  const count = { requests, bytes };
  requests = [];
  closedBytes = 0;
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  return count;
}

function bytesOf(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten;
}

const server = http.createServer((request, response) => {
  if (request.url === "/count") {
    sockets.delete(request.socket);
    response.setHeader("connection", "close"); // what comes after on it would not be counted
    response.end(JSON.stringify(takeCount()));
    return;
  }
  requests.push(`${request.method} ${request.url}`);
  const options = {
    host: "127.0.0.1",
    port: targetPort,
    method: request.method,
    path: request.url,
    headers: request.headers, // the Host too: Location headers then lead back through here
    agent,
  };
  const onward = http.request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
});
server.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => {
    if (sockets.delete(socket)) closedBytes += bytesOf(socket);
  });
});
server.listen(listenPort, "127.0.0.1");
