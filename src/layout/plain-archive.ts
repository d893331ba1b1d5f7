import { ContentError } from "../core/errors.ts";
import { type RandomAccess, readFully, readRegion } from "../stream/random-access.ts";
import type { ArchiveIndex } from "../stream/tar/archive-index.ts";
import type { Archive, ArchivedFile } from "./archive.ts";

/** A plain tar in a file: any of its files is one read away. */
export class PlainArchive implements Archive {
  readonly access = "any";
  readonly #file: RandomAccess;
  readonly #index: ArchiveIndex;
  readonly #close: () => Promise<void>;

  constructor(file: RandomAccess, index: ArchiveIndex, close: () => Promise<void>) {
    this.#file = file;
    this.#index = index;
    this.#close = close;
  }

  get order(): readonly string[] {
    return this.#index.entries.map(({ name }) => name);
  }

  async find(
    name: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ArchivedFile | undefined> {
    const entry = this.#index.file(name);
    if (!entry) return undefined;
    const { offset, size } = entry;
    const open = (from: number) =>
      readRegion(this.#file, { offset: offset + from, size: size - from }, signal);
    return { size, reopens: true, open };
  }

  async readSmall(name: string, maxBytes: number): Promise<Buffer | undefined> {
    const entry = this.#index.file(name);
    if (!entry) return undefined;
    refuseLarge(name, entry.size, maxBytes);
    return await readFully(this.#file, Buffer.allocUnsafeSlow(entry.size), entry.offset);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** @throws {ContentError} `content.too-large` */
export function refuseLarge(name: string, size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new ContentError(
    "content.too-large",
    `exceeded maximum allowed size of ${maxBytes} bytes: ${name}`,
  );
}
