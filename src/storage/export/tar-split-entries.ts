import { createReadStream } from "node:fs";
import { ContentError, KnownError } from "../../core/errors.ts";
import { decompressed } from "../../stream/decompression.ts";
import { ExportError } from "./errors.ts";

/** The content of a file in the layer's tree comes next in the tar. */
export interface FileEntry {
  readonly kind: "file";
  /** As in the tar header, not cleaned; of a name that is not UTF-8, its bytes. */
  readonly name: string | Uint8Array;
  /** Above 0. */
  readonly size: number;
  /** CRC-64/GO-ISO of the content, high word first. */
  readonly crc: readonly [number, number];
}

/** What comes next in the tar: bytes that tar-split keeps itself, or a file. */
export type TarSplitEntry = { readonly kind: "bytes"; readonly bytes: Uint8Array } | FileEntry;

/** A line longer than this is not one that any tool writes: they cut their segments at 1 MiB. */
const maxLineBytes = 256 * 1024 * 1024;
const newline = 0x0a;

/**
 * The entries of a `.tar-split.gz` in order, in batches as they come out of the decompression; entries without bytes
 * are left out — `specs/containers-storage.md` 10.1.
 *
 * @throws {ExportError} `storage.no-tar-split`, `storage.bad-tar-split`
 */
export async function* tarSplitEntries(
  path: string,
): AsyncGenerator<readonly TarSplitEntry[], void, void> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  try {
    for await (const piece of decompressed(createReadStream(path), "gzip")) {
      const end = piece.lastIndexOf(newline);
      if (end < 0) {
        rest.push(Buffer.from(piece)); // a copy: the piece's memory is used again
        restBytes += piece.byteLength;
        if (restBytes > maxLineBytes) throw bad(path, "a line is too long");
        continue;
      }
      yield entriesOf([...rest, piece.subarray(0, end)], path);
      rest = [Buffer.from(piece.subarray(end + 1))];
      restBytes = piece.byteLength - end - 1;
    }
  } catch (error) {
    throw asExportError(error, path);
  }
  yield entriesOf(rest, path);
}

function entriesOf(pieces: readonly Uint8Array[], path: string): readonly TarSplitEntry[] {
  const text = pieces.length === 1 ? asText(pieces[0]) : Buffer.concat(pieces).toString();
  const entries: TarSplitEntry[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const entry = entryOf(parsed(line, path), path);
    if (entry) entries.push(entry);
  }
  return entries;
}

function asText(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

interface Line {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly name_raw?: unknown;
  readonly size?: unknown;
  readonly payload?: unknown;
}

function parsed(line: string, path: string): Line {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // told below
  }
  throw bad(path, "a line is not a JSON object");
}

function entryOf(line: Line, path: string): TarSplitEntry | undefined {
  const { type, size = 0, payload } = line;
  const bytes = typeof payload === "string" ? Buffer.from(payload, "base64") : undefined;
  if (type === 2) return bytes && bytes.byteLength > 0 ? { kind: "bytes", bytes } : undefined;
  if (type !== 1) throw bad(path, `there is an entry of type ${String(type)}`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw bad(path, "a size is not one");
  if (size === 0) return undefined;
  if (bytes?.byteLength !== 8) throw bad(path, "a file has no checksum");
  const crc = [bytes.readInt32BE(0), bytes.readInt32BE(4)] as const;
  return { kind: "file", name: nameOf(line, path), size: size as number, crc };
}

function nameOf({ name, name_raw }: Line, path: string): string | Uint8Array {
  if (typeof name === "string" && name !== "") return name;
  if (typeof name_raw === "string") return Buffer.from(name_raw, "base64");
  throw bad(path, "a file has no name");
}

function asExportError(error: unknown, path: string): unknown {
  if (error instanceof ContentError) return bad(path, error.message, error);
  if (error instanceof KnownError || !(error instanceof Error) || !("code" in error)) return error;
  if (error.code === "ENOENT") {
    return new ExportError(
      "storage.no-tar-split",
      `the layer cannot be given as it came: there is no ${path}`,
      { cause: error, hint: "Pull the image again, or commit it anew with the tool that built it" },
    );
  }
  return bad(path, error.message, error);
}

function bad(path: string, why: string, cause?: unknown): ExportError {
  return new ExportError("storage.bad-tar-split", `${path} cannot be read: ${why}`, {
    ...(cause !== undefined && { cause }),
  });
}
