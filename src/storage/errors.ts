import { fileErrorText, systemCode } from "../config/load-file.ts";
import { KnownError } from "../core/errors.ts";

/**
 * What can be wrong with a store. `parent-gone`: another process removed what a layer or an image was to be put upon, so begin
 * anew from there. `in-use`: a container or a mount needs it. `conflict`: the same ID, but with another content.
 */
export type StorageErrorCode =
  | "storage.unreadable"
  | "storage.unwritable"
  | "storage.invalid"
  | "storage.unsupported"
  | "storage.busy"
  | "storage.not-found"
  | "storage.parent-gone"
  | "storage.in-use"
  | "storage.conflict";

/** A store of containers' images cannot be read, or not be changed in this way. */
export class StorageError extends KnownError<StorageErrorCode> {}

/** The errno name of a failed system call, Node's or our own: `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error ? systemCode(error) : undefined;
}

/** Runs `work`; a system call that fails in it is told as `storage.unreadable`, with the path. */
export function reading<T>(call: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw told("storage.unreadable", error, call, path);
  }
}

/** As {@link reading}, for what changes files. */
export function writing<T>(call: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unwritable(error, call, path);
  }
}

/** A failed system call told as `storage.unwritable`; any other error as it is. */
export function unwritable(error: unknown, call: string, path: string): unknown {
  return told("storage.unwritable", error, call, path);
}

/** Runs `work`; gives undefined where it failed with one of `errnos`, since that is an answer too. */
export function unless<T>(errnos: readonly string[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && errnos.includes(errno)) return undefined;
    throw error;
  }
}

function told(
  code: "storage.unreadable" | "storage.unwritable",
  error: unknown,
  call: string,
  path: string,
): unknown {
  if (errnoOf(error) === undefined) return error;
  return new StorageError(code, fileErrorText(error, call, path), { cause: error });
}
