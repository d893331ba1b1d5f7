import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { ConfigError } from "./errors.ts";

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ELOOP: "too many levels of symbolic links",
  EROFS: "read-only file system",
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large",
  EIO: "input/output error",
  EMFILE: "too many open files",
  ENFILE: "too many open files in system",
  EEXIST: "file exists",
  ENAMETOOLONG: "file name too long",
};

/** The system's code of a failed call: `ENOENT`; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

function systemCall(error: unknown): string {
  return error instanceof Error && "syscall" in error ? String(error.syscall) : "read";
}

/** A failed file call in the reference tools' words: `open /x: no such file or directory`. */
export function fileErrorText(error: unknown, call: string, path: string): string {
  const code = systemCode(error);
  // A folder can be opened, and fails when it is read; where it should be written, opening fails. A full disk fails at either.
  const isLater = code === "EISDIR" || code === "ENOSPC";
  const verb = isLater && call === "open" ? systemCall(error) : call;
  const text = code === undefined ? String(error) : (TEXTS[code] ?? code);
  return `${verb} ${path}: ${text}`;
}

/** True where the failure means that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return systemCode(error) === "ENOENT";
}

/**
 * The bytes of a small file; undefined where there is none.
 *
 * @param shown the path that errors tell of
 * @throws {ConfigError} `config.unreadable`, saying which call failed on which path
 */
export function readIfThere(path: string, shown = path): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(error, shown);
  }
}

/** Like {@link readIfThere}, but a file that is not there is an error too. */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(error, path);
  }
}

/** The entries of a folder by name; undefined where there is none. Other failures are left as they are. */
export function listIfThere(path: string): Dirent[] | undefined {
  try {
    return readdirSync(path, { withFileTypes: true }).sort(byName);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function unreadable(error: unknown, path: string): ConfigError {
  return new ConfigError("config.unreadable", fileErrorText(error, "open", path), {
    file: path,
    cause: error,
  });
}
