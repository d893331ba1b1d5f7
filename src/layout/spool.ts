import { open, unlink } from "node:fs/promises";
import { detectCompression, magicBytes } from "../stream/compression-format.ts";
import { decompressed } from "../stream/decompression.ts";
import { peek } from "../stream/peek.ts";
import type { RandomAccess } from "../stream/random-access.ts";
import { randomAccess } from "./blob-file.ts";
import { writing } from "./errors.ts";
import { identifyProcess, newOwner } from "./owner.ts";
import { unfinishedPath } from "./unfinished.ts";
import { writeFully } from "./unfinished-file.ts";

/** What was kept; closing it is the end of it. */
export interface SpooledFile extends RandomAccess {
  close(): Promise<void>;
}

/**
 * Keeps `bytes`, unpacked, in a file of `folder` that has no name, so that nothing is left of it whatever happens.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unwritable`
 */
export async function spool(
  bytes: AsyncIterable<Uint8Array>,
  folder: string,
): Promise<SpooledFile> {
  const path = unfinishedPath(folder, newOwner(await identifyProcess()));
  const handle = await writing(`open ${path}`, () => open(path, "wx+", 0o600));
  try {
    await writing(`unlink ${path}`, () => unlink(path));
    let size = 0;
    for await (const chunk of await plain(bytes)) {
      await writeFully(handle, path, chunk, size);
      size += chunk.byteLength;
    }
    return { ...randomAccess(handle, path, size), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function plain(packed: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const { head, bytes } = await peek(packed, magicBytes);
  const format = detectCompression(head);
  return format ? decompressed(bytes, format) : bytes;
}
