import { closeSync } from "node:fs";
import { libc, succeeded } from "./libc.ts";

const openSocket = libc.func("socket", "int", ["int", "int", "int"]);
const sendTo = libc.func("sendto", "long", ["int", "void *", "size_t", "int", "void *", "uint"]);

const unix = 1; // AF_UNIX
const datagramOnExecClosed = 2 | 0o2000000; // SOCK_DGRAM | SOCK_CLOEXEC
const noSignal = 0x4000; // MSG_NOSIGNAL

/**
 * Sends one datagram to a unix socket, which Node cannot; `@name` is one in the abstract namespace — unix(7).
 *
 * @throws {SystemCallError} where nobody listens there
 */
export function sendDatagram(path: string, text: string): void {
  const address = addressOf(path);
  const bytes = Buffer.from(text);
  const socket = succeeded(openSocket(unix, datagramOnExecClosed, 0), "socket", "");
  try {
    const sent = sendTo(socket, bytes, bytes.length, noSignal, address, address.length);
    succeeded(Number(sent), "sendto", path);
  } finally {
    closeSync(socket);
  }
}

/** `struct sockaddr_un`, no longer than its name. */
function addressOf(path: string): Buffer {
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = unix;
  return Buffer.concat([family, name]);
}
