import { lstatSync } from "node:fs";
import { constants as system } from "node:os";
import koffi from "koffi";
import { type KernelTime, type PathBytes, pathAt } from "./at.ts";
import { libc, SystemCallError } from "./libc.ts";

/** What is to be known of a file to make another like it. */
export interface FileFacts {
  /** With the type in it, as in `st_mode`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** How many names it has. */
  readonly links: number;
  /** The same for all names of a file, and for no other file. */
  readonly identity: string;
  /** Of a device: its number, as mknod(2) takes it. */
  readonly device: bigint;
  readonly access: KernelTime;
  readonly change: KernelTime;
}

/** The type in {@link FileFacts.mode}. */
export const fileType = {
  mask: 0o170000,
  folder: 0o040000,
  file: 0o100000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
} as const;

const syscall = libc.func(
  "int64_t syscall(int64_t, int64_t, const char *, int64_t, int64_t, _Out_ void *)",
);

/** Of statx(2); the architectures that are not named have the common one. */
const numbers: Readonly<Record<string, number>> = { x64: 332, ppc64: 383, s390x: 379, arm: 397 };
const statx = numbers[process.arch] ?? 291;
const basicStats = 0x7ff;
const noFollowNoAutomount = 0x900;

const answer = Buffer.alloc(256);

/** What a name in an open folder leads to, no link followed. @throws {SystemCallError} */
export function statAt(dir: number, name: PathBytes): FileFacts {
  if (syscall(statx, dir, name, noFollowNoAutomount, basicStats, answer) >= 0) return factsOf();
  const errno = koffi.errno();
  // Sandboxes older than the call.
  if (errno === system.errno.ENOSYS || errno === system.errno.EPERM) return statByPath(dir, name);
  throw new SystemCallError("statx", errno, name.toString());
}

/** `struct statx`. */
function factsOf(): FileFacts {
  const links = answer.readUInt32LE(16);
  return {
    mode: answer.readUInt16LE(28),
    uid: answer.readUInt32LE(20),
    gid: answer.readUInt32LE(24),
    size: numberAt(40),
    links,
    identity:
      links > 1 ? answer.toString("latin1", 32, 40) + answer.toString("latin1", 136, 144) : "",
    device: deviceNumber(answer.readUInt32LE(128), answer.readUInt32LE(132)),
    access: timeAt(64),
    change: timeAt(112),
  };
}

/** Seconds before 1970 are negative; a double has them exactly. */
function timeAt(offset: number): KernelTime {
  const seconds = answer.readInt32LE(offset + 4) * 2 ** 32 + answer.readUInt32LE(offset);
  return { seconds, nanoseconds: answer.readUInt32LE(offset + 8) };
}

function numberAt(offset: number): number {
  return answer.readUInt32LE(offset + 4) * 2 ** 32 + answer.readUInt32LE(offset);
}

/** The C library's makedev. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
  );
}

function statByPath(dir: number, name: PathBytes): FileFacts {
  const path = pathAt(dir, name);
  const stat = lstatSync(typeof path === "string" ? path : path.subarray(0, -1), { bigint: true });
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    links: Number(stat.nlink),
    identity: `${stat.dev}:${stat.ino}`,
    device: stat.rdev,
    access: timeOf(stat.atimeNs),
    change: timeOf(stat.mtimeNs),
  };
}

const billion = 1_000_000_000n;

function timeOf(nanoseconds: bigint): KernelTime {
  const rest = ((nanoseconds % billion) + billion) % billion;
  return { seconds: Number((nanoseconds - rest) / billion), nanoseconds: Number(rest) };
}
