import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Descriptor } from "../core/descriptor.ts";
import { ContentError, KnownError } from "../core/errors.ts";
import { BlobStream } from "../stream/blob-stream.ts";
import { type RandomAccess, readFully, readRegion } from "../stream/random-access.ts";
import { LayoutError, reading, unless } from "./errors.ts";

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
    const file = randomAccess(handle, path, size);
    const open = (from: number) =>
      readRegion(file, { offset: from, size: size - from }, options.signal);
    return new BlobStream({ ...blob, size }, open, {
      reopens: true,
      release: () => handle.close(),
    });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Whether the file at `path` is this blob, which takes reading all of it. */
export async function isBlobFile(
  path: string,
  blob: Descriptor,
  options: OpenFileOptions,
): Promise<boolean> {
  try {
    await using file = await openBlobFile(path, blob, options);
    for await (const _ of file) options.signal.throwIfAborted(); // verified as it is read
    return true;
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

/** The length of the file at `path`; undefined if there is none. Its content is not looked at. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await reading(`stat ${path}`, () => unless(["ENOENT"], () => stat(path)));
  return found?.isFile() ? found.size : undefined;
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
    return await readFully(randomAccess(handle, path, size), Buffer.allocUnsafeSlow(size), 0);
  });
}

/** An open file; what fails in reading it is told with its `path`. */
export function randomAccess(handle: FileHandle, path: string, size: number): RandomAccess {
  return {
    size,
    async read(into, position) {
      const { bytesRead } = await reading(`read ${path}`, () =>
        handle.read(into, 0, into.byteLength, position),
      );
      return bytesRead; // 0 where it was cut short since it was opened: the verification tells
    },
  };
}

/**
 * Opens a regular file, without waiting for the other end of a pipe, should somebody have put one there.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`
 */
export async function openRegular(path: string): Promise<FileHandle> {
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
