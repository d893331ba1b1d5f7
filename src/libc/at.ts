import { constants } from "node:fs";
import { constants as system } from "node:os";
import koffi from "koffi";
import { libc, SystemCallError, succeeded } from "./libc.ts";
import { type WalkCalls, type WalkOptions, walkInRoot } from "./walk-in-root.ts";

/** A name or path as the kernel takes it: text, or the bytes themselves with a NUL behind them. */
export type PathBytes = string | Buffer;

/** Numbers of Linux that node:fs does not know. */
export const at = {
  fdcwd: -100,
  symlinkNoFollow: 0x100,
  removeDir: 0x200,
  emptyPath: 0x1000,
  path: 0o10000000,
  closeOnExec: 0o2000000,
} as const;

const calls = {
  openat: libc.func("int openat(int dir, const char *path, int flags, uint32_t mode)"),
  mkdirat: libc.func("int mkdirat(int dir, const char *path, uint32_t mode)"),
  mknodat: libc.func("int mknodat(int dir, const char *path, uint32_t mode, uint64_t device)"),
  unlinkat: libc.func("int unlinkat(int dir, const char *path, int flags)"),
  linkat: libc.func(
    "int linkat(int fromDir, const char *from, int toDir, const char *to, int flags)",
  ),
  symlinkat: libc.func("int symlinkat(const char *content, int dir, const char *path)"),
  readlinkat: libc.func(
    "int64_t readlinkat(int dir, const char *path, _Out_ uint8_t *into, size_t length)",
  ),
  fchownat: libc.func(
    "int fchownat(int dir, const char *path, uint32_t uid, uint32_t gid, int flags)",
  ),
  fchmodat: libc.func("int fchmodat(int dir, const char *path, uint32_t mode, int flags)"),
  fchown: libc.func("int fchown(int fd, uint32_t uid, uint32_t gid)"),
  fchmod: libc.func("int fchmod(int fd, uint32_t mode)"),
  utimensat: libc.func("int utimensat(int dir, const char *path, const void *times, int flags)"),
  futimens: libc.func("int futimens(int fd, const void *times)"),
  syscall: libc.func("int64_t syscall(int64_t number, int64_t, const char *, void *, int64_t)"),
  close: libc.func("int close(int fd)"),
} as const;

function text(path: PathBytes): string {
  return typeof path === "string" ? path : path.toString("utf8", 0, path.byteLength - 1);
}

/** A path to a name in an open folder, for calls that know nothing but paths. */
export function pathAt(dir: number, name: PathBytes): PathBytes {
  const before = `/proc/self/fd/${dir}/`;
  return typeof name === "string" ? before + name : Buffer.concat([Buffer.from(before), name]);
}

/** What failed for lack of the name, or because something has it, is said by the code: no error has to be made for it. */
export type Outcome = "done" | "exists" | "missing";

const codes = system.errno;

function outcome(result: number, syscall: string, path: PathBytes): Outcome {
  if (result >= 0) return "done";
  const errno = koffi.errno();
  if (errno === codes.EEXIST) return "exists";
  if (errno === codes.ENOENT) return "missing";
  throw new SystemCallError(syscall, errno, text(path));
}

/**
 * openat(2), close-on-exec.
 *
 * @throws {SystemCallError}
 */
export function openAt(dir: number, path: PathBytes, flags: number, mode = 0): number {
  return succeeded(calls.openat(dir, path, flags | at.closeOnExec, mode), "openat", text(path));
}

/**
 * openat(2) with O_CREAT and O_EXCL: a new regular file for writing, or undefined where something has its name.
 *
 * @throws {SystemCallError}
 */
export function createAt(dir: number, path: PathBytes): number | undefined {
  const fd: number = calls.openat(dir, path, createFlags, 0o600);
  if (fd >= 0) return fd;
  return outcome(fd, "openat", path) === "exists" ? undefined : missing("openat", path);
}

const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | at.closeOnExec;

function missing(syscall: string, path: PathBytes): never {
  throw new SystemCallError(syscall, codes.ENOENT, text(path));
}

/** mkdirat(2). @throws {SystemCallError} */
export function makeFolderAt(dir: number, path: PathBytes, mode: number): Outcome {
  return outcome(calls.mkdirat(dir, path, mode), "mkdirat", path);
}

/** mknodat(2): `mode` with the type in it. @throws {SystemCallError} */
export function makeNodeAt(dir: number, path: PathBytes, mode: number, device: bigint): Outcome {
  return outcome(calls.mknodat(dir, path, mode, device), "mknodat", path);
}

/** unlinkat(2). @throws {SystemCallError} */
export function unlinkAt(dir: number, path: PathBytes, flags = 0): Outcome {
  return outcome(calls.unlinkat(dir, path, flags), "unlinkat", path);
}

/** linkat(2): a link at the end of `from` is linked itself. @throws {SystemCallError} */
export function linkAt(fromDir: number, from: PathBytes, dir: number, path: PathBytes): Outcome {
  return outcome(calls.linkat(fromDir, from, dir, path, 0), "linkat", path);
}

/** symlinkat(2). @throws {SystemCallError} */
export function makeSymlinkAt(content: PathBytes, dir: number, path: PathBytes): Outcome {
  return outcome(calls.symlinkat(content, dir, path), "symlinkat", path);
}

const oneByte = Buffer.alloc(1);

/** What a symbolic link says, with a NUL behind it. @throws {SystemCallError} */
export function readLinkAt(dir: number, path: PathBytes): Buffer {
  const content = Buffer.alloc(4097);
  const length = Number(calls.readlinkat(dir, path, content, content.byteLength - 1));
  return content.subarray(0, succeeded(length, "readlinkat", text(path)) + 1);
}

/** True for a symbolic link, false for anything else and for nothing. */
export function isSymlinkAt(dir: number, path: PathBytes): boolean {
  return calls.readlinkat(dir, path, oneByte, 1) >= 0;
}

/** True where a folder has the name: not for a link to one. */
export function isFolderAt(dir: number, path: PathBytes): boolean {
  const fd: number = calls.openat(dir, path, folderFlags, 0);
  if (fd >= 0) calls.close(fd);
  return fd >= 0;
}

const folderFlags = at.path | constants.O_DIRECTORY | constants.O_NOFOLLOW | at.closeOnExec;

/** fchownat(2), not following a link. @throws {SystemCallError} */
export function chownAt(dir: number, path: PathBytes, uid: number, gid: number): void {
  const result = calls.fchownat(dir, path, uid, gid, at.symlinkNoFollow);
  if (result < 0) throw new SystemCallError("fchownat", koffi.errno(), text(path));
}

/** fchmodat(2): follows a link, so not for links. @throws {SystemCallError} */
export function chmodAt(dir: number, path: PathBytes, mode: number): void {
  const result = calls.fchmodat(dir, path, mode, 0);
  if (result < 0) throw new SystemCallError("fchmodat", koffi.errno(), text(path));
}

/** utimensat(2), not following a link. @throws {SystemCallError} */
export function setTimesAt(dir: number, path: PathBytes, times: TimesBuffer): void {
  const result = calls.utimensat(dir, path, times.bytes, at.symlinkNoFollow);
  if (result < 0) throw new SystemCallError("utimensat", koffi.errno(), text(path));
}

/** fchown(2). @throws {SystemCallError} */
export function chownFile(fd: number, uid: number, gid: number): void {
  succeeded(calls.fchown(fd, uid, gid), "fchown", `${uid}:${gid}`);
}

/** fchmod(2). @throws {SystemCallError} */
export function chmodFile(fd: number, mode: number): void {
  succeeded(calls.fchmod(fd, mode), "fchmod", mode.toString(8));
}

/** futimens(3). @throws {SystemCallError} */
export function setFileTimes(fd: number, times: TimesBuffer): void {
  succeeded(calls.futimens(fd, times.bytes), "futimens", "");
}

/** close(2); that a descriptor is none tells nobody anything. */
export function closeFile(fd: number): void {
  calls.close(fd);
}

/** A time as the kernel takes it; nanoseconds count from the second on, also before 1970. */
export interface KernelTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Two `struct timespec` of 64-bit systems, last access and last change, in memory that is used again and again. */
export class TimesBuffer {
  readonly bytes = Buffer.alloc(32);

  set(access: KernelTime, change: KernelTime): this {
    this.#put(0, access);
    this.#put(16, change);
    return this;
  }

  #put(offset: number, { seconds, nanoseconds }: KernelTime): void {
    this.bytes.writeInt32LE(seconds | 0, offset);
    this.bytes.writeInt32LE(Math.floor(seconds / 2 ** 32) | 0, offset + 4);
    this.bytes.writeInt32LE(nanoseconds, offset + 8);
  }
}

/** How {@link openInRoot} resolves. */
export interface InRoot {
  readonly flags: number;
  /** Fails with ELOOP where a link is on the way. */
  readonly noSymlinks?: boolean;
}

const openat2 = 437;
const resolve = { noMagicLinks: 2, noSymlinks: 4, inRoot: 0x10 } as const;

/**
 * openat2(2) with RESOLVE_IN_ROOT: `root` is what `/` means on the way, to links and to `..`. Gives the descriptor, or the
 * negative errno. Where a sandbox does not let it through, the same by single steps.
 */
export function openInRoot(root: number, path: PathBytes, { flags, noSymlinks }: InRoot): number {
  const how = Buffer.alloc(24);
  how.writeUInt32LE(flags | at.closeOnExec, 0);
  const symlinks = noSymlinks ? resolve.noSymlinks : 0;
  how.writeUInt32LE(resolve.inRoot | resolve.noMagicLinks | symlinks, 16);
  for (let tries = 0; ; tries++) {
    const fd = Number(calls.syscall(openat2, root, path, how, how.byteLength));
    if (fd >= 0) return fd;
    const errno = koffi.errno();
    if (errno === codes.ENOSYS || errno === codes.EPERM) {
      return openInRootByWalk(root, path, { flags, noSymlinks: noSymlinks === true });
    }
    // Something was renamed meanwhile, anywhere on the system.
    if (errno !== codes.EAGAIN || tries > 100) return -errno;
  }
}

/** What {@link openInRoot} does, without openat2(2). */
export function openInRootByWalk(root: number, path: PathBytes, options: WalkOptions): number {
  const bytes = typeof path === "string" ? Buffer.from(path) : path.subarray(0, -1);
  return walkInRoot(walkCalls, root, bytes, options);
}

const walkCalls: WalkCalls = {
  open(dir, name, flags) {
    const fd: number = calls.openat(dir, name, flags | at.closeOnExec, 0);
    return fd >= 0 ? fd : -koffi.errno();
  },
  readLink(dir, name) {
    const content = Buffer.alloc(4096);
    const length = Number(calls.readlinkat(dir, name, content, content.byteLength));
    return length < 0 ? undefined : content.subarray(0, length);
  },
  close: closeFile,
};
