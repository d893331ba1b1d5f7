import koffi from "koffi";
import { libc, SystemCallError } from "./libc.ts";

/** Several may share the one kind of lock; nobody else has any while somebody has the other. */
export type LockKind = "shared" | "exclusive";

/** As all 64-bit Linux systems have it. */
const flock = koffi.struct({
  type: "int16_t",
  whence: "int16_t",
  start: "int64_t",
  length: "int64_t",
  pid: "int32_t",
});

const fcntl = libc.func("fcntl", "int", ["int", "int", koffi.inout(koffi.pointer(flock))]);

const getLock = 36; // F_OFD_GETLK
const setLock = 37; // F_OFD_SETLK
const types: Readonly<Record<LockKind, number>> = { shared: 0, exclusive: 1 };
const unlocked = 2;

/**
 * Locks a whole open file without waiting: false where somebody else has it. The lock belongs to the open file and ends when
 * that is closed. It excludes record locks of other processes, fcntl(2)'s older kind too, and whoever else opened the same
 * file in this process.
 *
 * A shared lock needs a file that is open for reading, an exclusive one a file open for writing.
 *
 * @throws {SystemCallError} where the file system has no locks
 */
export function tryRecordLock(fd: number, kind: LockKind): boolean {
  if (fcntl(fd, setLock, wholeFile(kind)) === 0) return true;
  const failure = new SystemCallError("fcntl", koffi.errno(), "F_OFD_SETLK");
  if (failure.code === "EAGAIN" || failure.code === "EACCES") return false;
  throw failure;
}

/**
 * The process that keeps us from locking; undefined where none does, or where it cannot be told: a lock of our own kind
 * belongs to a file, not to a process.
 */
export function recordLockHolder(fd: number, kind: LockKind): number | undefined {
  const lock = wholeFile(kind);
  if (fcntl(fd, getLock, lock) !== 0) return undefined;
  return lock.type !== unlocked && lock.pid > 0 ? lock.pid : undefined;
}

function wholeFile(kind: LockKind) {
  return { type: types[kind] ?? 0, whence: 0, start: 0, length: 0, pid: 0 };
}
