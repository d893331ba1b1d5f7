import { createHash, type Hash } from "node:crypto";
import { availableParallelism } from "node:os";
import { algorithmOf, type Digest } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";
import { BlobStream, type NewBlob } from "./blob-stream.ts";
import { detectCompression, magicBytes, type WritableFormat } from "./compression-format.ts";
import { type DecompressOptions, decompressed } from "./decompression.ts";
import { ParallelGzip } from "./parallel-gzip.ts";
import { peek } from "./peek.ts";
import { zstdCompressed } from "./zstd.ts";
import { zstdChunked } from "./zstd-chunked/zstd-chunked.ts";

/** What is to become of a blob's packing. */
export interface CompressionChange {
  /** Unpack what the first bytes say is packed; plain content stays as it is. */
  readonly decompress: boolean;
  /** Pack what came of that. */
  readonly compress?: WritableFormat;
  /** Of the format's own scale; its default where absent. */
  readonly level?: number;
  /** Whether {@link RecompressedBlob.uncompressed} is wanted: it costs a hash of all that is unpacked. */
  readonly measure?: boolean;
}

/** Content by its sha256 digest and length. */
export interface Measured {
  readonly digest: Digest;
  readonly size: number;
}

/** A blob in another packing, and what was measured of its inside. */
export interface RecompressedBlob extends NewBlob {
  /**
   * What went into the packing, or came out where nothing was packed: of a layer, its DiffID. Undefined until the blob was
   * read to its end, and where nobody asked.
   */
  uncompressed(): Measured | undefined;
  /** What a descriptor of it has to say, once it was read to its end. */
  annotations(): Readonly<Record<string, string>>;
}

/** What all packing of a run shares. */
export interface CompressionOptions extends DecompressOptions {
  /** How many gzip blocks are compressed at once, whatever the number of blobs; else as many as there are cores. */
  readonly parallel?: number;
}

/** The packing and unpacking of one run. Built once, because all its blobs share the cores and the memory. */
export class Compression {
  readonly #options: CompressionOptions;
  #gzip: ParallelGzip | undefined;

  constructor(options: CompressionOptions = {}) {
    this.#options = options;
  }

  /**
   * `source` in another packing, made while it is read: once, in one pass. Disposing of it closes the source too.
   * What is thrown while reading is {@link decompressed}'s and the source's own.
   */
  recompressed(
    source: BlobStream | AsyncIterable<Uint8Array>,
    change: CompressionChange,
    mediaType: string,
  ): RecompressedBlob {
    const pack: Pack = (plain, told) => this.#packed(plain, change, told);
    return new Recompressed(source, mediaType, pack, {
      ...this.#options,
      decompress: change.decompress,
      measure: change.measure ?? false,
    });
  }

  #packed(
    plain: AsyncIterable<Uint8Array>,
    { compress, level }: CompressionChange,
    told: Told,
  ): AsyncIterable<Uint8Array> {
    if (compress === "zstd") return zstdCompressed(plain, level);
    if (compress === "zstd:chunked") return zstdChunked(plain, level, told);
    if (compress !== "gzip") return plain;
    this.#gzip ??= new ParallelGzip(this.#options.parallel ?? availableParallelism());
    return this.#gzip.packed(plain, level);
  }
}

/** Told what a descriptor of the packed bytes has to say. */
type Told = (annotations: Readonly<Record<string, string>>) => void;

type Pack = (plain: AsyncIterable<Uint8Array>, told: Told) => AsyncIterable<Uint8Array>;

interface ReadingOptions extends DecompressOptions {
  readonly decompress: boolean;
  readonly measure: boolean;
}

class Recompressed implements RecompressedBlob {
  readonly mediaType: string;
  readonly #source: BlobStream | AsyncIterable<Uint8Array>;
  readonly #pack: Pack;
  readonly #options: ReadingOptions;
  #reading: AsyncGenerator<Uint8Array, void, void> | undefined;
  #uncompressed: Measured | undefined;
  #annotations: Readonly<Record<string, string>> = {};
  #closed = false;

  constructor(
    source: BlobStream | AsyncIterable<Uint8Array>,
    mediaType: string,
    pack: Pack,
    options: ReadingOptions,
  ) {
    this.#source = source;
    this.mediaType = mediaType;
    this.#pack = pack;
    this.#options = options;
  }

  uncompressed(): Measured | undefined {
    return this.#uncompressed;
  }

  annotations(): Readonly<Record<string, string>> {
    return this.#annotations;
  }

  /** @throws {ContentError} `content.taken-twice` when asked a second time */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, void> {
    if (this.#reading) {
      throw new ContentError("content.taken-twice", "A blob being made was already read");
    }
    const reading = this.#read();
    this.#reading = reading;
    return {
      // What was closed half-way must not look like something that came to its end.
      next: () =>
        this.#closed
          ? Promise.reject(new Error("a blob was read after it was closed"))
          : reading.next(),
      return: () => reading.return(),
    };
  }

  async *#read(): AsyncGenerator<Uint8Array, void, void> {
    const { head, bytes } = await peek(this.#source, magicBytes);
    const format = this.#options.decompress ? detectCompression(head) : undefined;
    const plain = format ? decompressed(bytes, format, this.#options) : bytes;
    const told: Told = (annotations) => {
      this.#annotations = annotations;
    };
    if (!this.#options.measure) {
      yield* this.#pack(plain, told);
      return;
    }
    const meter = new Meter(format ? undefined : digestKnown(this.#source));
    yield* this.#pack(meter.measured(plain), told);
    this.#uncompressed = meter.result();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#source instanceof BlobStream) await this.#source[Symbol.asyncDispose]();
    await this.#reading?.return();
  }
}

/** The digest of bytes that reach their end only if they have it, which saves hashing them again. */
function digestKnown(source: BlobStream | AsyncIterable<Uint8Array>): Digest | undefined {
  if (!(source instanceof BlobStream)) return undefined;
  return algorithmOf(source.descriptor.digest) === "sha256" ? source.descriptor.digest : undefined;
}

/** Hashes and counts bytes as they pass. */
class Meter {
  readonly #known: Digest | undefined;
  readonly #hash: Hash | undefined;
  #size = 0;

  constructor(known: Digest | undefined) {
    this.#known = known;
    this.#hash = known ? undefined : createHash("sha256");
  }

  async *measured(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of bytes) {
      this.#hash?.update(chunk);
      this.#size += chunk.byteLength;
      yield chunk;
    }
  }

  /** To be asked once, at the end. */
  result(): Measured {
    const digest = this.#known ?? (`sha256:${this.#hash?.digest("hex")}` as Digest);
    return { digest, size: this.#size };
  }
}
