import { resolve } from "node:path";
import { UsageError } from "./errors.ts";

/** The folder that relative paths start from; empty where it was removed, so that only who needs it fails. */
export function workingFolderIfAny(): string {
  try {
    return process.cwd();
  } catch {
    return "";
  }
}

/**
 * `path` as it is meant from the working folder.
 *
 * @throws {UsageError} `usage.bad-reference`, in Go's words, where it is relative to a folder that was removed
 */
export function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    throw withoutFolder(error) ?? error;
  }
}

/** What is told where Node found that the working folder was removed; undefined for other failures. */
export function withoutFolder(error: unknown): UsageError | undefined {
  const isGone = error instanceof Error && "syscall" in error && error.syscall === "uv_cwd";
  if (!isGone) return undefined;
  return new UsageError("usage.bad-reference", "getwd: no such file or directory", {
    hint: "The working folder was removed: change to one that is there",
    cause: error,
  });
}
