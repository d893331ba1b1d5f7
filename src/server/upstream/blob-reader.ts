import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { UncheckedBytes } from "../../registry/blob-download.ts";
import { verified } from "../../stream/verify.ts";
import type { ByteRange, OpenBlob } from "../v2/backend.ts";
import { type BlobFill, isDiskFailure, Reading } from "./blob-fill.ts";
import { readAt } from "./read-file-part.ts";
import { upstreamAnswer } from "./upstream-answer.ts";

/** A reader so far ahead of the fill asks the upstream itself, instead of waiting for it. */
export const farAhead: number = 8 * 1024 * 1024;

const bufferBytes = 512 * 1024;

/** Where bytes come from that the fill does not bring. */
export interface DirectSource {
  readonly digest: Digest;
  /** For messages. */
  readonly upstream: string;
  open(
    range: { readonly start: number; readonly end?: number },
    signal: AbortSignal,
  ): Promise<UncheckedBytes>;
}

/** A blob that is being fetched: readers follow the file that it is written to. */
export class FollowedBlob implements OpenBlob {
  readonly #fill: BlobFill;
  readonly #direct: DirectSource;
  readonly #leave: () => void;

  /** `leave`: of {@link BlobFill.enter}. */
  constructor(fill: BlobFill, direct: DirectSource, leave: () => void) {
    this.#fill = fill;
    this.#direct = direct;
    this.#leave = leave;
  }

  get size(): number {
    return this.#fill.size;
  }

  async *read(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    if (range.start - this.#fill.file.size > farAhead) {
      yield* passedThrough(this.#direct, range, signal);
      return;
    }
    const reading = new Reading(range.start, range.end);
    const wake = () => this.#fill.wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (reading.at < reading.end) yield await this.#fill.read(reading, signal);
    } catch (error) {
      if (!isDiskFailure(error)) throw upstreamAnswer(error, this.#direct.upstream);
      yield* this.#withoutDisk({ start: reading.at, end: range.end }, signal);
    } finally {
      this.#fill.leave(reading);
      signal.removeEventListener("abort", wake);
    }
  }

  /** What the file holds, and the rest from the upstream; all of it is hashed anew, and no wrong blob given whole. */
  async *#withoutDisk(
    { start, end }: ByteRange,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { file, size } = this.#fill;
    const held = file.size;
    const direct = this.#direct;
    async function* whole(): AsyncGenerator<Uint8Array, void, void> {
      const buffers = [0, 1, 2, 3].map(() => Buffer.allocUnsafeSlow(bufferBytes));
      for (let at = 0, turn = 0; at < held; turn++) {
        const part = (buffers[turn % 4] ?? Buffer.alloc(0)).subarray(0, held - at);
        const count = await readAt(file.descriptor, part, at);
        at += count;
        yield part.subarray(0, count);
      }
      if (held === size) return;
      await using rest = await direct.open({ start: held }, signal);
      yield* rest.bytes;
    }
    try {
      yield* cut(verified(whole(), descriptorOf(direct.digest, size)), { start, end });
    } catch (error) {
      throw upstreamAnswer(error, direct.upstream);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    return Promise.resolve();
  }
}

/** A blob that is passed on as it comes, and not kept. */
export class PassedBlob implements OpenBlob {
  readonly size: number;
  readonly #direct: DirectSource;
  #opened:
    | { readonly start: number; readonly end: number; readonly source: UncheckedBytes }
    | undefined;

  /** `source` is open already, for `range`. */
  constructor(direct: DirectSource, range: Partial<ByteRange>, source: UncheckedBytes) {
    this.#direct = direct;
    this.size = source.size;
    this.#opened = { start: range.start ?? 0, end: range.end ?? source.size, source };
  }

  async *read(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened && opened.start === range.start && opened.end >= range.end) {
      await using source = opened.source;
      yield* checked(this.#direct, range, source, signal);
    } else {
      await opened?.source[Symbol.asyncDispose]();
      yield* passedThrough(this.#direct, range, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.source[Symbol.asyncDispose]();
    this.#opened = undefined;
  }
}

async function* passedThrough(
  direct: DirectSource,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let source: UncheckedBytes;
  try {
    source = await direct.open(range, signal);
  } catch (error) {
    throw upstreamAnswer(error, direct.upstream);
  }
  await using open = source;
  yield* checked(direct, range, open, signal);
}

/** The whole of a blob is verified as it passes; of a part nobody can tell whether it is right. */
async function* checked(
  direct: DirectSource,
  { start, end }: ByteRange,
  source: UncheckedBytes,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const isWhole = start === 0 && end === source.size;
    const bytes = isWhole
      ? verified(source.bytes, descriptorOf(direct.digest, source.size))
      : cut(source.bytes, { start: 0, end: end - start });
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw upstreamAnswer(error, direct.upstream);
  }
}

/** The bytes from offset `start` to before `end`. */
async function* cut(
  bytes: AsyncIterable<Uint8Array>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for await (const chunk of bytes) {
    const from = Math.max(0, start - at);
    const to = Math.min(chunk.byteLength, end - at);
    at += chunk.byteLength;
    if (from < to) yield chunk.subarray(from, to);
  }
}

function descriptorOf(digest: Digest, size: number): Descriptor {
  return { mediaType: "application/octet-stream", digest, size };
}
