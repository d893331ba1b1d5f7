import type { LockKind } from "../../libc/record-lock.ts";

/** Locks an open file, by default for us alone; the lock ends with the file, or with the process. False: somebody has it. */
export type TryLock = (fd: number, kind?: LockKind) => boolean;

/**
 * Loads what locks files among processes. Where a file system has no locks everybody gets them: one process alone may have
 * the folder open then.
 */
export async function loadTryLock(): Promise<TryLock> {
  const { tryRecordLock } = await import("../../libc/record-lock.ts");
  return (fd, kind = "exclusive") => {
    try {
      return tryRecordLock(fd, kind);
    } catch {
      return true; // ENOLCK, EOPNOTSUPP
    }
  };
}
