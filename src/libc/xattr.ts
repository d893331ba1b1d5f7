import { constants as system } from "node:os";
import koffi from "koffi";
import type { PathBytes } from "./at.ts";
import { libc, SystemCallError, succeeded } from "./libc.ts";

const calls = {
  fsetxattr: libc.func(
    "int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)",
  ),
  lsetxattr: libc.func(
    "int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
  ),
  lgetxattr: libc.func(
    "int64_t lgetxattr(const char *path, const char *name, _Out_ void *value, size_t size)",
  ),
  fgetxattr: libc.func(
    "int64_t fgetxattr(int fd, const char *name, _Out_ void *value, size_t size)",
  ),
  flistxattr: libc.func("int64_t flistxattr(int fd, _Out_ void *list, size_t size)"),
  llistxattr: libc.func("int64_t llistxattr(const char *path, _Out_ void *list, size_t size)"),
} as const;

/** Sets an extended attribute of an open file. @throws {SystemCallError} */
export function setXattr(fd: number, name: PathBytes, value: Uint8Array): void {
  succeeded(calls.fsetxattr(fd, name, value, value.byteLength, 0), "fsetxattr", String(name));
}

/** Sets an extended attribute, of a link itself where the path ends at one. @throws {SystemCallError} */
export function setXattrOf(path: PathBytes, name: PathBytes, value: Uint8Array): void {
  succeeded(calls.lsetxattr(path, name, value, value.byteLength, 0), "lsetxattr", String(path));
}

/** The names of all extended attributes, as bytes in latin1. @throws {SystemCallError} */
export function listXattrsOf(path: PathBytes): readonly string[] {
  return names(filled("llistxattr", path, (into, size) => calls.llistxattr(path, into, size)));
}

/** Those of an open file. @throws {SystemCallError} */
export function listXattrs(fd: number): readonly string[] {
  if (Number(calls.flistxattr(fd, null, 0)) === 0) return [];
  return names(filled("flistxattr", "", (into, size) => calls.flistxattr(fd, into, size)));
}

function names(list: Buffer | undefined): readonly string[] {
  return (list ?? Buffer.alloc(0)).toString("latin1").split("\0").slice(0, -1);
}

/** An open file's extended attribute; undefined where there is none of that name. @throws {SystemCallError} */
export function getXattr(fd: number, name: PathBytes): Buffer | undefined {
  return filled("fgetxattr", name, (into, size) => calls.fgetxattr(fd, name, into, size));
}

/** An extended attribute's value; undefined where there is none of that name. @throws {SystemCallError} */
export function getXattrOf(path: PathBytes, name: PathBytes): Buffer | undefined {
  return filled("lgetxattr", path, (into, size) => calls.lgetxattr(path, name, into, size));
}

/** Asks for the size first, and again where it has grown meanwhile. */
function filled(
  syscall: string,
  path: PathBytes,
  call: (into: Buffer | null, size: number) => number,
): Buffer | undefined {
  for (;;) {
    const size = Number(call(null, 0));
    const bytes = size > 0 ? Buffer.alloc(size) : Buffer.alloc(0);
    const got = size > 0 ? Number(call(bytes, size)) : size;
    if (got >= 0) return bytes.subarray(0, got);
    const errno = koffi.errno();
    if (errno === system.errno.ENODATA) return;
    if (errno !== system.errno.ERANGE) throw new SystemCallError(syscall, errno, String(path));
  }
}
