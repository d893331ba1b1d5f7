import koffi from "koffi";
import { libc, succeeded } from "./libc.ts";

const ioVector = koffi.struct({ base: "void *", length: "size_t" });
/** As all 64-bit Linux systems have it. */
const messageHeader = koffi.struct({
  name: "void *",
  nameLength: "uint32_t",
  vectors: koffi.pointer(ioVector),
  vectorCount: "size_t",
  control: "void *",
  controlLength: "size_t",
  flags: "int",
});

const sendMessage = libc.func("sendmsg", "long", ["int", koffi.pointer(messageHeader), "int"]);
const makePipe = libc.func("pipe2", "int", ["void *", "int"]);
const shutDown = libc.func("shutdown", "int", ["int", "int"]);

const noSignal = 0x4000; // MSG_NOSIGNAL
const closeOnExec = 0o2000000; // O_CLOEXEC
const socketLevel = 1; // SOL_SOCKET
const rights = 1; // SCM_RIGHTS
const headerBytes = 16; // struct cmsghdr

/**
 * Sends one packet over a unix socket, with open files for whoever reads it — unix(7), SCM_RIGHTS. Our own descriptors stay
 * open.
 *
 * @throws {SystemCallError}
 */
export function sendPacket(
  socket: number,
  bytes: Uint8Array,
  descriptors: readonly number[],
): void {
  const control = descriptors.length === 0 ? null : controlOf(descriptors);
  const message = {
    name: null,
    nameLength: 0,
    vectors: [{ base: bytes, length: bytes.length }],
    vectorCount: 1,
    control,
    controlLength: control?.length ?? 0,
    flags: 0,
  };
  succeeded(Number(sendMessage(socket, message, noSignal)), "sendmsg", "");
}

/** `struct cmsghdr` with the descriptors behind it. */
function controlOf(descriptors: readonly number[]): Buffer {
  const length = headerBytes + 4 * descriptors.length;
  const control = Buffer.alloc(Math.ceil(length / 8) * 8);
  const words = new Uint32Array(control.buffer, control.byteOffset, control.length / 4);
  words.set([length, 0, socketLevel, rights, ...descriptors]); // a size_t of which the upper half is 0
  return control;
}

/** The two ends of a new pipe; both are to be closed. @throws {SystemCallError} */
export function openPipe(): { readonly read: number; readonly write: number } {
  const ends = new Int32Array(2);
  succeeded(makePipe(ends, closeOnExec), "pipe2", "");
  const [read = -1, write = -1] = ends;
  return { read, write };
}

/** Ends what waits to read from a socket, as if the other side had ended it. */
export function stopReading(socket: number): void {
  shutDown(socket, 0); // SHUT_RD
}
