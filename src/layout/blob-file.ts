import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Descriptor } from "../core/descriptor.ts";
import { ContentError } from "../core/errors.ts";
import { BlobStream, chunksInUse } from "../stream/blob-stream.ts";
import { LayoutError, reading } from "./errors.ts";

const chunkBytes = 512 * 1024;

/** What comes along when a file is opened to be read. */
export interface OpenFileOptions {
  readonly signal: AbortSignal;
}

/**
 * The blob that stands in the file at `path`. A size below 0 is one that the manifest does not tell: the file's own
 * then goes into the descriptor.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`
 * @throws {ContentError} `content.size-mismatch` where the file is shorter or longer than `blob` says
 */
export async function openBlobFile(
  path: string,
  blob: Descriptor,
  options: OpenFileOptions,
): Promise<BlobStream> {
  options.signal.throwIfAborted();
  const handle = await openRegular(path);
  try {
    const { size } = await handle.stat();
    if (blob.size >= 0 && size !== blob.size) {
      throw new ContentError(
        "content.size-mismatch",
        `${path} has ${size} bytes, and not the ${blob.size} of blob ${blob.digest}`,
      );
    }
    const file: OpenFile = { handle, path, size, signal: options.signal };
    return new BlobStream({ ...blob, size }, (from) => chunksOf(file, from), {
      reopens: true,
      release: () => handle.close(),
    });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * The whole of a small file, in one piece.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`
 * @throws {ContentError} `content.too-large` past `maxBytes`
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  await using handle = await openRegular(path);
  return await reading(`read ${path}`, async () => {
    const { size } = await handle.stat();
    if (size > maxBytes) {
      throw new ContentError(
        "content.too-large",
        `exceeded maximum allowed size of ${maxBytes} bytes: ${path}`,
      );
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  });
}

/** Opens without waiting for the other end of a pipe, should somebody have put one there. */
async function openRegular(path: string): Promise<FileHandle> {
  const handle = await reading(`open ${path}`, () =>
    open(path, constants.O_RDONLY | constants.O_NONBLOCK),
  );
  const kind = await handle.stat();
  if (kind.isFile()) return handle;
  await handle.close();
  throw new LayoutError(
    "layout.unreadable",
    `read ${path}: ${kind.isDirectory() ? "is a directory" : "not a regular file"}`,
  );
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Reads one chunk ahead, so that disk and hash work at the same time; hence one buffer more than readers may keep. */
async function* chunksOf(file: OpenFile, from: number): AsyncGenerator<Uint8Array, void, void> {
  const length = Math.max(1, Math.min(chunkBytes, file.size - from));
  const ring: Buffer[] = [];
  let position = from;
  let turn = 0;
  const readNext = (): Promise<Buffer> => {
    const slot = turn++ % (chunksInUse + 1);
    const buffer = ring[slot] ?? Buffer.allocUnsafeSlow(length);
    ring[slot] = buffer;
    const next = readInto(file, buffer, position);
    next.catch(() => {}); // thrown when its turn comes, if anybody still asks
    position += length;
    return next;
  };
  let next = file.size > from ? readNext() : undefined;
  while (next) {
    const chunk = await next;
    file.signal.throwIfAborted();
    next = position < file.size && chunk.byteLength === length ? readNext() : undefined;
    yield chunk;
  }
}

/** Fills `buffer` but for the file's end. */
async function readInto(file: OpenFile, buffer: Buffer, position: number): Promise<Buffer> {
  const wanted = Math.min(buffer.byteLength, file.size - position);
  let filled = 0;
  while (filled < wanted) {
    const { bytesRead } = await reading(`read ${file.path}`, () =>
      file.handle.read(buffer, filled, wanted - filled, position + filled),
    );
    if (bytesRead === 0) break; // cut short since it was opened: the verification tells
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
