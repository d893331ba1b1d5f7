import type { Descriptor } from "../core/descriptor.ts";
import { ContentError } from "../core/errors.ts";
import { type HashState, verified } from "./verify.ts";

/**
 * How long a chunk lives: until its reader has asked for the next-but-one. A reader may thus write one chunk while it
 * waits for the next; who keeps bytes longer copies them. Since {@link verified} holds one chunk back, whoever makes raw
 * bytes leaves a chunk alone until `chunksInUse` more were asked for. It may then be written over: sources read into a
 * small ring of buffers, because memory made anew for each chunk costs as much as moving the bytes.
 */
export const chunksInUse = 3;

/** Opens the raw bytes of a blob from an offset on. */
export type OpenBytes = (from: number) => AsyncIterable<Uint8Array>;

/** How a blob's bytes can be had. */
export interface BlobStreamOptions {
  /** Whether the bytes can be opened again, and from an offset. */
  readonly reopens: boolean;
  /** {@link VerifyOptions.explain} */
  readonly explain?: () => Promise<unknown>;
  /** Closes what the bytes come from; called once, however far the reading went. */
  readonly release?: () => void | Promise<void>;
}

/**
 * The bytes of one blob on their way: one pass, in order, verified as they pass. The constructor is the only door to
 * them. For chunk lifetime see {@link chunksInUse}.
 */
export class BlobStream implements AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly descriptor: Descriptor;
  readonly #open: OpenBytes;
  readonly #options: BlobStreamOptions;
  readonly #states: HashState[] = [];
  #onProgress: ((offset: number) => void) | undefined;
  #peeked: Peeked | undefined;
  #failure: unknown;
  #taken = false;
  #released = false;

  constructor(descriptor: Descriptor, open: OpenBytes, options: BlobStreamOptions) {
    this.descriptor = descriptor;
    this.#open = open;
    this.#options = options;
  }

  /** Whether {@link again} can be asked for. */
  get reopens(): boolean {
    return this.#options.reopens;
  }

  /** What reading failed with last: tells a failure of this side from one of whoever was writing. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Tells `onProgress` how far the reading is, at each chunk; after {@link again} that may be less than before. */
  watch(onProgress: (offset: number) => void): void {
    this.#onProgress = onProgress;
  }

  /**
   * The first bytes, to tell by what they are; fewer than `least` only where the blob is shorter. Nothing is lost: the
   * pass that follows begins with them.
   *
   * @throws {ContentError} as the pass itself would, and `content.taken-twice` after it began
   */
  async peek(least: number): Promise<Uint8Array> {
    if (!this.#peeked) {
      const rest = this[Symbol.asyncIterator]();
      this.#taken = false;
      this.#peeked = { start: await firstBytes(rest, least), rest };
    }
    return this.#peeked.start ?? new Uint8Array();
  }

  /** @throws {ContentError} `content.taken-twice` when asked a second time */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.#taken) {
      throw new ContentError(
        "content.taken-twice",
        `Blob ${this.descriptor.digest} was already read`,
      );
    }
    this.#taken = true;
    if (this.#peeked) return resumed(this.#peeked);
    return this.#verifiedFrom(undefined);
  }

  /**
   * The bytes from offset `from` on, after an earlier pass broke off: the hash goes on from the nearest state saved, so
   * the end is verified as ever. The earlier pass must have ended.
   *
   * @throws {ContentError} `content.no-rewind` where the source cannot be opened again
   */
  again(from: number): AsyncGenerator<Uint8Array, void, void> {
    if (!this.#options.reopens) {
      throw new ContentError(
        "content.no-rewind",
        `Blob ${this.descriptor.digest} cannot be read a second time`,
      );
    }
    this.#taken = true;
    while ((this.#states.at(-1)?.offset ?? 0) > from) this.#states.pop();
    return skipped(
      this.#verifiedFrom(this.#states.at(-1)),
      from - (this.#states.at(-1)?.offset ?? 0),
    );
  }

  /** Opened with the first chunk that is asked for. */
  #verifiedFrom(state: HashState | undefined): AsyncGenerator<Uint8Array, void, void> {
    const open = () => this.#open(state?.offset ?? 0)[Symbol.asyncIterator]();
    const { explain } = this.#options;
    return verified({ [Symbol.asyncIterator]: open }, this.descriptor, {
      ...(state && { from: state }),
      ...(explain && { explain }),
      onProgress: (offset) => this.#onProgress?.(offset),
      onFailure: (error) => {
        this.#failure = error;
      },
      ...(this.#options.reopens && { onState: (next: HashState) => this.#states.push(next) }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    if (!this.#taken) await this.#peeked?.rest.return();
    await this.#options.release?.();
  }
}

/** A pass of which the first bytes were looked at. */
interface Peeked {
  /** Undefined where the blob is empty. */
  readonly start: Uint8Array | undefined;
  readonly rest: AsyncGenerator<Uint8Array, void, void>;
}

/** The first chunk; where that is shorter than `least`, a copy of as many as make it up. */
async function firstBytes(
  bytes: AsyncGenerator<Uint8Array, void, void>,
  least: number,
): Promise<Uint8Array | undefined> {
  let start: Uint8Array | undefined;
  while ((start?.byteLength ?? 0) < least) {
    const next = await bytes.next();
    if (next.done) break;
    start = start ? Buffer.concat([start, next.value]) : next.value;
    if (start.byteLength < least) start = Buffer.from(start);
  }
  return start;
}

/** The first chunk, and then the rest as it is: a generator would cost each of its chunks a few turns more. */
function resumed({ start, rest }: Peeked): AsyncGenerator<Uint8Array, void, void> {
  let first = start;
  return {
    next() {
      if (first === undefined) return rest.next();
      const value = first;
      first = undefined;
      return Promise.resolve({ done: false, value });
    },
    return() {
      first = undefined;
      return rest.return();
    },
    throw: (error) => rest.throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
  };
}

/** All but the first `count` bytes. */
async function* skipped(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array, void, void> {
  let left = count;
  for await (const chunk of bytes) {
    if (left >= chunk.byteLength) {
      left -= chunk.byteLength;
    } else {
      yield left > 0 ? chunk.subarray(left) : chunk;
      left = 0;
    }
  }
}

/**
 * A blob whose bytes are being made while they are read: compressed or decompressed from a verified one. Read once.
 * Its digest and size are known when it has been read to the end.
 */
export interface NewBlob extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly mediaType: string;
  /** Known where the destination asked for "sized". */
  readonly size?: number;
}
