import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFoldersSync } from "../core/make-folders.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, systemCode } from "./load-file.ts";

/** An edit takes milliseconds: a lock older than this was left behind by a process that died. */
const STALE_MS = 10_000;
const WAIT_MS = 20;

/**
 * Runs a change of a file while holding `<path>.lock`, so that of two logins at once neither is lost. The folder must
 * be there.
 *
 * @throws {ConfigError} `config.unwritable` where the folder cannot be written
 */
export async function withLock<T>(
  path: string,
  change: (target: string) => T,
  options: { readonly signal: AbortSignal },
): Promise<T> {
  const target = followLinks(path);
  const lock = `${target}.lock`;
  await take(lock, path, options.signal);
  try {
    return change(target);
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Makes the folder of a file where it is missing, for its user alone.
 *
 * @throws {ConfigError} `config.unwritable`
 */
export function makeFolderOf(path: string): void {
  const folder = dirname(path);
  try {
    makeFoldersSync(folder, 0o700);
  } catch (error) {
    const text =
      systemCode(error) === "EEXIST"
        ? `mkdir ${folder}: not a directory`
        : fileErrorText(error, "mkdir", folder);
    throw unwritable(text, path, error);
  }
}

/** A link to the file is kept, and the file it leads to replaced. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

async function take(lock: string, path: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      closeSync(openSync(lock, "wx", 0o600));
      return;
    } catch (error) {
      if (systemCode(error) !== "EEXIST")
        throw unwritable(writeText(path, fileErrorText(error, "open", lock)), path, error);
    }
    if (isStale(lock)) rmSync(lock, { force: true });
    else await sleep(WAIT_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function isStale(lock: string): boolean {
  const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > STALE_MS;
}

/**
 * Replaces a file as one step: a reader sees the old text or the new, and a crash leaves one of them.
 *
 * @throws {ConfigError} `config.unwritable`
 */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  const aside = join(dirname(path), `.tmp-${basename(path)}${randomBytes(6).toString("hex")}`);
  try {
    const file = openSync(aside, "wx", mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw unwritable(writeText(path, fileErrorText(error, "open", aside)), path, error);
  }
}

function writeText(path: string, reason: string): string {
  return `writing to file ${JSON.stringify(path)}: ${reason}`;
}

function unwritable(message: string, file: string, cause: unknown): ConfigError {
  return new ConfigError("config.unwritable", message, { file, cause });
}
