import type { FileHandle } from "node:fs/promises";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolders } from "../../core/make-folders.ts";
import { ServerError } from "../errors.ts";
import { type AuditHead, hashLine, maxLineBytes, noHead, parseAuditLine } from "./audit-line.ts";

/** What the end of a log's file says. */
export interface AuditTail {
  /** Undefined: it has no whole line. */
  readonly head: AuditHead | undefined;
  /** Bytes up to the end of the last whole line. */
  readonly wholeBytes: number;
  /** Those behind: a line that somebody was killed over. */
  readonly tornBytes: number;
}

/** Opens the file to be read at its end and written there, made for its user alone where it is not. */
export async function openAuditFile(file: string): Promise<FileHandle> {
  await makeFolders(dirname(file), 0o700);
  return await open(file, "a+", 0o600);
}

/**
 * Reads the last line.
 *
 * @throws {ServerError} `server.bad-audit-log` where a whole line is none of a log: nobody was killed over that
 */
export async function readTail(handle: FileHandle, file: string): Promise<AuditTail> {
  const { size } = await handle.stat();
  const start = Math.max(0, size - 2 * maxLineBytes);
  const bytes = Buffer.alloc(size - start);
  await handle.read(bytes, 0, bytes.length, start);
  const end = bytes.lastIndexOf(0x0a);
  if (end < 0 && start > 0) throw damaged(file, "its last line has no end");
  if (end < 0) return { head: undefined, wholeBytes: 0, tornBytes: size };
  const begin = end === 0 ? 0 : bytes.lastIndexOf(0x0a, end - 1) + 1;
  const line = bytes.subarray(begin, end);
  const parsed = parseAuditLine(line.toString("utf8"));
  if (!parsed) throw damaged(file, "its last line is none");
  return {
    head: { sequence: parsed.seq, hash: hashLine(line) },
    wholeBytes: start + end + 1,
    tornBytes: size - (start + end + 1),
  };
}

/** Files that were put aside, the oldest first: `FILE.000000000001`, by the number of their first line. */
export async function putAsideFiles(file: string): Promise<readonly string[]> {
  const folder = dirname(file);
  const prefix = `${basename(file)}.`;
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{12}$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => join(folder, name));
}

/** Of a log whose newest file has no line yet. */
export async function headBefore(file: string): Promise<AuditHead> {
  const last = (await putAsideFiles(file)).at(-1);
  if (last === undefined) return noHead;
  await using handle = await open(last, "r");
  return (await readTail(handle, last)).head ?? noHead;
}

/** Puts the file aside, and removes the oldest beyond `keep` (0: none). */
export async function putAside(file: string, firstLine: number, keep: number): Promise<void> {
  await rename(file, `${file}.${String(firstLine).padStart(12, "0")}`);
  if (keep === 0) return;
  const files = await putAsideFiles(file);
  for (const old of files.slice(0, Math.max(0, files.length - keep)))
    await rm(old, { force: true });
}

/** The number of the first line. */
export async function firstSequence(handle: FileHandle): Promise<number | undefined> {
  const bytes = Buffer.alloc(maxLineBytes);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  const end = bytes.subarray(0, bytesRead).indexOf(0x0a);
  return end < 0 ? undefined : parseAuditLine(bytes.toString("utf8", 0, end))?.seq;
}

function damaged(file: string, what: string): ServerError {
  return new ServerError("server.bad-audit-log", `Cannot go on with audit log ${file}: ${what}`, {
    hint: "Look at it with `amphora log verify`, and put the file elsewhere to begin another",
  });
}
