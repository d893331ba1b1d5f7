import { getSystemErrorName } from "node:util";
import koffi from "koffi";

/** The C library that Node itself runs on, glibc or musl. Loading this file loads native code: import it on demand. */
export const libc = koffi.load(null);

/** A system call has failed: `code` is the name of its errno, as in Node's own errors. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, what: string) {
    const code = getSystemErrorName(-errno);
    super(`${code}: ${syscall} ${what}`);
    this.name = "SystemCallError";
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/**
 * The result of a system call as it is, or its failure thrown. To be handed what the call gave, with nothing run in between:
 * errno is read now.
 *
 * @throws {SystemCallError}
 */
export function succeeded(result: number, syscall: string, what: string): number {
  if (result >= 0) return result;
  throw new SystemCallError(syscall, koffi.errno(), what);
}
