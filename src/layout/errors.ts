import { KnownError } from "../core/errors.ts";

/** What can be wrong with a folder of images. */
export type LayoutErrorCode =
  | "layout.missing"
  | "layout.unreadable"
  | "layout.unwritable"
  | "layout.invalid"
  | "layout.unsupported"
  | "layout.busy";

/** A folder of images cannot be read or written. `layout.missing`: a file of it is not there. */
export class LayoutError extends KnownError<LayoutErrorCode> {}

/** What the system says, in the words that Go's tools use for it. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "device or resource busy",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file exists",
  EFBIG: "file too large",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENFILE: "too many open files in system",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  ENXIO: "no such device or address",
  EPIPE: "broken pipe",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  ESTALE: "stale NFS file handle",
  ETXTBSY: "text file busy",
  EXDEV: "invalid cross-device link",
};

/** The errno name of a failed system call: `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A failed system call as `operation path: reason`, Go's form of it. Any other error passes untouched. */
export function fileError(
  code: "layout.unreadable" | "layout.unwritable",
  operation: string,
  error: unknown,
): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new LayoutError(
    errno === "ENOENT" ? "layout.missing" : code,
    `${operation}: ${reasons[errno] ?? errno}`,
    { cause: error },
  );
}

/** Runs `work`; a system call that fails in it is told as `operation path: reason`. */
export async function reading<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError("layout.unreadable", operation, error);
  }
}

/** As {@link reading}, for what changes files. */
export async function writing<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError("layout.unwritable", operation, error);
  }
}

/** Runs `work`; gives undefined where it failed with one of `errnos`, since that is an answer too. */
export async function unless<T>(
  errnos: readonly string[],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && errnos.includes(errno)) return undefined;
    throw error;
  }
}

/** Runs what only tidies up: a system call that fails in it is not worth failing for, and would hide why we tidy. */
export async function tidying(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof LayoutError)) throw error;
  }
}
