import koffi from "koffi";
import { libc, succeeded } from "../../src/libc/libc.ts";

const ioVector = koffi.struct({ base: "void *", length: "size_t" });
const messageHeader = koffi.struct({
  name: "void *",
  nameLength: "uint32_t",
  vectors: koffi.pointer(ioVector),
  vectorCount: "size_t",
  control: "void *",
  controlLength: "size_t",
  flags: "int",
});
const socketPair = libc.func("socketpair", "int", ["int", "int", "int", "void *"]);
const receiveMessage = libc.func("recvmsg", "long", ["int", koffi.pointer(messageHeader), "int"]);

const unix = 1; // AF_UNIX
const packetsOnExecClosed = 5 | 0o2000000; // SOCK_SEQPACKET | SOCK_CLOEXEC

/** Two sockets that packets go between; both are to be closed. */
export function packetSockets(): readonly [ours: number, theirs: number] {
  const ends = new Int32Array(2);
  succeeded(socketPair(unix, packetsOnExecClosed, 0, ends), "socketpair", "");
  const [ours = -1, theirs = -1] = ends;
  return [ours, theirs];
}

/** Waits, and everything with it, for a packet and the open files that come along. */
export function receivePacket(socket: number): {
  readonly bytes: Buffer;
  readonly descriptors: readonly number[];
} {
  const buffer = Buffer.alloc(32 * 1024);
  const control = Buffer.alloc(64);
  const message = {
    name: null,
    nameLength: 0,
    vectors: [{ base: buffer, length: buffer.length }],
    vectorCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  const length = succeeded(Number(receiveMessage(socket, message, 0)), "recvmsg", "");
  const bytes = Number(control.readBigUInt64LE(0)); // of struct cmsghdr
  const count = bytes === 0 ? 0 : (bytes - 16) / 4;
  const descriptors = Array.from({ length: count }, (_, index) =>
    control.readInt32LE(16 + 4 * index),
  );
  return { bytes: buffer.subarray(0, length), descriptors };
}
