import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** RST; over TLS, where Node has none, a cut without close_notify. Node leaves null where the socket is gone. */
export function resetSocket(socket: Socket | null): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}
