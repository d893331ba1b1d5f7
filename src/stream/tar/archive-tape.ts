import { type ArchiveEntry, type ArchiveLimits, EntryCount, entryOf } from "./archive-entry.ts";
import { payloadSize } from "./header.ts";
import { nextHeader, skipPayload, type TarInput, unexpectedEnd } from "./walk.ts";

/** An entry as it goes by. */
export interface TapeEntry extends ArchiveEntry {
  /** Its bytes, once, until the next entry is asked for; what was not read is passed over then. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** How a tar is read that goes by. */
export interface TapeOptions extends ArchiveLimits {
  /** Whether what follows the archive is passed over too: what unpacks the bytes looks at its sums only at its own end. */
  readonly untilEnd?: boolean;
}

/**
 * The entries of a plain tar that can only be read from its start to its end, one after the other, in their own order. Chunks
 * are parts of those of `bytes` and live as long.
 *
 * @throws {ContentError} `content.bad-tar` for what is no tar, is cut short, or has too many entries
 */
export async function* readTape(
  bytes: AsyncIterable<Uint8Array>,
  options: TapeOptions = {},
): AsyncGenerator<TapeEntry, void, void> {
  await using input = new ByteTape(bytes);
  const count = new EntryCount(options);
  for (let header = await nextHeader(input); header; header = await nextHeader(input)) {
    count.add(header);
    const start = input.position;
    const entry = entryOf(header, start);
    if (entry) yield { ...entry, content: input.content(entry.size) };
    const left = start + payloadSize(header) - input.position;
    await skipPayload(input, header, left);
  }
  if (options.untilEnd) await input.skip(Number.POSITIVE_INFINITY);
}

/** Bytes that come in chunks, taken in pieces of other lengths. */
export class ByteTape implements TarInput, AsyncDisposable {
  position = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const piece = await this.#take(length - filled);
      if (!piece) break;
      bytes.set(piece, filled);
      filled += piece.byteLength;
    }
    return bytes.subarray(0, filled);
  }

  async skip(length: number): Promise<number> {
    let skipped = 0;
    while (skipped < length) {
      const piece = await this.#take(length - skipped);
      if (!piece) break;
      skipped += piece.byteLength;
    }
    return skipped;
  }

  /** The next `size` bytes, as they come. */
  async *content(size: number): AsyncGenerator<Uint8Array, void, void> {
    const end = this.position + size;
    while (this.position < end) {
      const piece = await this.#take(end - this.position);
      if (!piece) throw unexpectedEnd();
      yield piece;
    }
  }

  /** At least one byte and at most `most`; undefined at the end. */
  async #take(most: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.byteLength === 0) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#chunk = next.value;
    }
    const piece = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(piece.byteLength);
    this.position += piece.byteLength;
    return piece;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
