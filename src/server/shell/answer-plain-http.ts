import type { Server } from "node:https";
import type { Socket } from "node:net";

/** As servers in Go word it (net/http): what their users search for. */
const answer = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/** Has a server that speaks TLS tell clients that do not what is wrong, before their connection is closed. */
export function answerPlainHttp(server: Server): void {
  const open = new Map<string, Socket>();
  server.prependListener("connection", (socket: Socket) => {
    const ends = endsOf(socket);
    open.set(ends, socket);
    socket.once("close", () => open.delete(ends));
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    // The TLS socket is past writing to; the one below it is closed only after this.
    if (error.code === "ERR_SSL_HTTP_REQUEST") open.get(endsOf(socket))?.write(answer);
  });
}

function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}
