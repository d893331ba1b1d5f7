import { ContentError, KnownError } from "../../core/errors.ts";
import { errnoOf } from "../../layout/errors.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** Why a folder cannot be opened as a registry. */
export type StoreErrorCode =
  | "registry-store.newer-format"
  | "registry-store.not-a-store"
  | "registry-store.unusable";

/** A folder cannot be opened as a registry. */
export class StoreError extends KnownError<StoreErrorCode> {}

const full: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
/** SQLITE_FULL — sqlite.org/rescode.html. */
const sqliteFull = 13;

/** Whether a system call failed for want of space. */
export function isFull(error: unknown): boolean {
  return full.has(errnoOf(error) ?? "");
}

/**
 * What a client is to be told of a failure: 507 of a full disk, 503 of any other that the system or SQLite reports. What is
 * an answer already, and what is a bug, passes as it is. The text tells nothing of where things are.
 */
export function asAnswer(error: unknown): unknown {
  if (error instanceof RegistryAnswerError || error instanceof ContentError) return error;
  const errno = errnoOf(error);
  const sqlite = sqliteCodeOf(error);
  if (errno === undefined && sqlite === undefined && !isClosed(error)) return error;
  if (isFull(error) || sqlite === sqliteFull) {
    return new RegistryAnswerError("UNAVAILABLE", "the registry has no space left", {
      status: 507,
      cause: error,
    });
  }
  return new RegistryAnswerError("UNAVAILABLE", "the registry cannot reach its storage", {
    status: 503,
    cause: error,
    retryable: true,
    headers: { "Retry-After": "5" },
  });
}

/** The database was closed already: somebody is late. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_INVALID_STATE";
}

/** Runs `work`; what it fails with is an answer: {@link asAnswer}. */
export async function answering<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asAnswer(error);
  }
}

/** As {@link answering}, at once. */
export function answeringSync<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asAnswer(error);
  }
}

/** SQLite's primary result code, of an error of node:sqlite. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
