import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Credentials } from "../access.ts";

/** What a request says of who makes it. The name of a client certificate counts only where TLS has verified it. */
export function credentialsOf(request: IncomingMessage): Credentials {
  const { headers, socket } = request;
  const address = plainAddress(socket.remoteAddress);
  if (!(socket instanceof TLSSocket)) return { headers, address, secure: false };
  const name = certificateName(socket);
  return { headers, address, secure: true, ...(name !== undefined && { certificateName: name }) };
}

/** `local` for whoever comes by a unix socket; an IPv4 address that a socket for both kinds shows as IPv6 is IPv4 again. */
function plainAddress(address: string | undefined): string {
  if (address === undefined || address === "") return "local";
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

/** The one common name; a certificate with several is nobody's. */
function certificateName(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
