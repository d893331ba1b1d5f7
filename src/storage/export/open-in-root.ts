import { constants } from "node:fs";
import { endianness } from "node:os";
import { libc, succeeded } from "../../libc/libc.ts";

/** The same number on every architecture that Linux has had since. */
const openat2Number = 437;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;

const syscall = libc.func(
  "long syscall(long number, int folder, const char *path, void *how, size_t size)",
);

const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
const O_CLOEXEC = 0o2000000;

/** `struct open_how`: flags, mode, resolve. */
const how = howOf(O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

function howOf(flags: number): Buffer {
  const bytes = Buffer.alloc(24);
  const write = endianness() === "LE" ? bytes.writeBigUInt64LE : bytes.writeBigUInt64BE;
  write.call(bytes, BigInt(flags), 0);
  write.call(bytes, BigInt(RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT), 16);
  return bytes;
}

/**
 * Opens a file for reading below `folder`, as if that were the root: no link leads out of it, and none is followed at
 * the end. Does not wait for the other end of a pipe.
 *
 * @param path relative; bytes end in a NUL
 * @throws {SystemCallError}
 */
export function openInRoot(folder: number, path: string | Uint8Array): number {
  return succeeded(
    syscall(openat2Number, folder, path, how, how.byteLength),
    "openat2",
    String(path),
  );
}
