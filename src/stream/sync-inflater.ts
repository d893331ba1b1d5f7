import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { CompressionFormat } from "./compression-format.ts";
import { Decoder } from "./decoder/decoder.ts";
import { brokenCompression } from "./decompression-errors.ts";
import { runEngine, type SyncEngine } from "./sync-engine.ts";
import { TrailingBytes } from "./zlib-pump.ts";

/** Takes what a blob unfolds to, piece by piece, each valid during the call. */
export type Sink = (bytes: Buffer) => void;

/** Unfolds a blob on the calling thread. */
export interface Inflater {
  write(bytes: Buffer): void;
  /** @throws {ContentError} `content.bad-compression` where the blob breaks off */
  end(): void;
}

/**
 * How a piece of output comes to be: as long as it can be, so that files are written in large pieces, and short enough to stay
 * in the processor's cache on its way through the hash, the sum and the write.
 */
const outputBytes = 256 * 1024;

interface EngineKind {
  create(): SyncEngine;
  readonly finish: number;
}

const kinds: Readonly<Record<"gzip" | "zstd", EngineKind>> = {
  gzip: { create: () => createGunzip() as unknown as SyncEngine, finish: constants.Z_FINISH },
  zstd: {
    create: () => createZstdDecompress() as unknown as SyncEngine,
    finish: constants.ZSTD_e_end,
  },
};

/** Gathers what comes out into pieces of one length, all but the last. */
class Pieces {
  readonly bytes = Buffer.allocUnsafeSlow(outputBytes);
  filled = 0;
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Hands on what there is, if there is no room for more or there must not be. */
  flush(always = false): void {
    if (this.filled < (always ? 1 : outputBytes)) return;
    const piece = this.bytes.subarray(0, this.filled);
    this.filled = 0;
    this.#sink(piece);
  }
}

/** What unfolds a blob of a format, or of none. Each has any number of members, frames or streams, skippable ones too. */
export function createInflater(format: CompressionFormat | undefined, sink: Sink): Inflater {
  if (format === undefined) return new PlainInflater(sink);
  if (format === "bzip2" || format === "xz") return new DecoderInflater(new Decoder(format), sink);
  return new EngineInflater(format, kinds[format], sink);
}

class PlainInflater implements Inflater {
  readonly #pieces: Pieces;

  constructor(sink: Sink) {
    this.#pieces = new Pieces(sink);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytes: piece, filled } = this.#pieces;
      const part = bytes.subarray(at, at + piece.byteLength - filled);
      piece.set(part, filled);
      at += part.byteLength;
      this.#pieces.filled += part.byteLength;
      this.#pieces.flush();
    }
  }

  end(): void {
    this.#pieces.flush(true);
  }
}

/** By code of our own: its pieces are shorter, and are gathered like plain ones. */
class DecoderInflater implements Inflater {
  readonly #decoder: Decoder;
  readonly #plain: PlainInflater;

  constructor(decoder: Decoder, sink: Sink) {
    this.#decoder = decoder;
    this.#plain = new PlainInflater(sink);
  }

  write(bytes: Buffer): void {
    for (const piece of this.#decoder.write(bytes)) this.#plain.write(piece);
  }

  end(): void {
    for (const piece of this.#decoder.end()) this.#plain.write(piece);
    this.#plain.end();
  }
}

/** Broken bytes come out as {@link ContentError} `content.bad-compression`. */
class EngineInflater implements Inflater {
  readonly #format: CompressionFormat;
  readonly #engine: SyncEngine;
  readonly #finish: number;
  readonly #pieces: Pieces;

  constructor(format: CompressionFormat, kind: EngineKind, sink: Sink) {
    this.#format = format;
    this.#engine = kind.create();
    this.#finish = kind.finish;
    this.#pieces = new Pieces(sink);
    // The failure is looked at after each call.
    this.#engine.on("error", () => {});
  }

  write(bytes: Buffer): void {
    let at = 0;
    let made = 0;
    do {
      const left = this.#run(0, bytes, at);
      made = this.#made;
      if (left === bytes.byteLength - at && left > 0 && made === 0) {
        throw brokenCompression(new TrailingBytes(), this.#format);
      }
      at = bytes.byteLength - left;
      this.#pieces.flush();
    } while (at < bytes.byteLength || (made > 0 && this.#pieces.filled === 0));
  }

  end(): void {
    do {
      this.#run(this.#finish, nothing, 0);
      this.#pieces.flush();
    } while (this.#made > 0 && this.#pieces.filled === 0);
    this.#pieces.flush(true);
    this.#engine.destroy();
  }

  #made = 0;

  /** One call of the engine; gives how much of the input is left. */
  #run(flush: number, input: Buffer, at: number): number {
    const { bytes, filled } = this.#pieces;
    const { made, left } = runEngine(this.#engine, { flush, input, at, output: bytes, filled });
    if (this.#engine.errored) throw brokenCompression(this.#engine.errored, this.#format);
    this.#made = made;
    this.#pieces.filled += made;
    return left;
  }
}

const nothing = Buffer.alloc(0);
