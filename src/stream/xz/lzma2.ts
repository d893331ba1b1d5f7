import { brokenOff, type Decoding, type Input, need } from "../decoder/input.ts";
import { invalid } from "./errors.ts";
import { LzmaDecoder } from "./lzma-decoder.ts";
import { isSame, type LzmaProperties, parseProperties } from "./properties.ts";
import { RangeDecoder } from "./range-decoder.ts";
import { Window } from "./window.ts";

/** At most as much comes out in one piece. */
const pieceBytes = 64 * 1024;

/**
 * Decodes LZMA2: chunks of LZMA, or of plain bytes. A chunk's first byte says which, and what is begun anew: 0 is the end, 1 and
 * 2 are plain, 1 with an empty window; from 128 on two bits say for LZMA: nothing, the state, the properties too, the window too.
 */
export class Lzma2 {
  readonly #window = new Window();
  readonly #range = new RangeDecoder();
  #decoder: LzmaDecoder | undefined;
  /** Whether a chunk came that empties the window, and one that says the properties. */
  #isBegun = false;
  #isTold = false;

  /** All chunks up to their end. @param windowBytes how far back they may look */
  *decode(input: Input, windowBytes: number): Decoding {
    this.#window.begin(windowBytes);
    this.#isBegun = false;
    this.#isTold = false;
    for (;;) {
      yield* need(input, 1);
      const control = input.bytes[input.start] ?? 0;
      if (control === 0) {
        input.start += 1;
        return;
      }
      if (control >= 0x80) yield* this.#packed(input, control);
      else yield* this.#plain(input, control);
    }
  }

  *#plain(input: Input, control: number): Decoding {
    if (control > 2) throw invalid("lzma: unsupported chunk header byte");
    this.#beginChunk(control === 1);
    // What LZMA comes next has to begin anew, and to say its properties.
    if (control === 1) this.#isTold = false;
    yield* need(input, 3);
    const [, upper = 0, lower = 0] = input.take(3);
    const window = this.#window;
    for (let left = ((upper << 8) | lower) + 1; left > 0; ) {
      yield* need(input, 1);
      window.open(Math.min(left, pieceBytes));
      const added = window.add(input.bytes.subarray(input.start, input.end));
      input.start += added;
      left -= added;
      yield window.take();
    }
  }

  *#packed(input: Input, control: number): Decoding {
    const begins = (control >> 5) & 3;
    const headerBytes = begins >= 2 ? 6 : 5;
    this.#beginChunk(begins === 3);
    yield* need(input, headerBytes);
    const [, high = 0, low = 0, upper = 0, lower = 0, properties = 0] = input.take(headerBytes);
    const decoder = this.#chooseDecoder(begins, properties);
    const packedBytes = ((upper << 8) | lower) + 1;
    yield* need(input, packedBytes);
    this.#range.begin(input.take(packedBytes));
    const window = this.#window;
    for (let left = (((control & 31) << 16) | (high << 8) | low) + 1; left > 0; ) {
      window.open(Math.min(left, pieceBytes));
      this.#run(decoder);
      const piece = window.take();
      left -= piece.byteLength;
      yield piece;
    }
    if (!this.#range.isAtEnd || decoder.isInside) {
      throw invalid("lzma: wrong uncompressed data size");
    }
  }

  /** A chunk that is too short looks as if something else were wrong with it. */
  #run(decoder: LzmaDecoder): void {
    try {
      decoder.run(this.#range, this.#window);
    } catch (error) {
      throw this.#range.overran ? brokenOff() : error;
    }
    if (this.#range.overran) throw brokenOff();
  }

  #beginChunk(empties: boolean): void {
    if (!this.#isBegun && !empties) throw invalid("lzma: unexpected chunk type");
    if (empties) this.#window.reset();
    this.#isBegun = true;
  }

  #chooseDecoder(begins: number, properties: number): LzmaDecoder {
    if (begins >= 2) return this.#begin(parseProperties(properties));
    const decoder = this.#decoder;
    if (!decoder || !this.#isTold) throw invalid("lzma: unexpected chunk type");
    if (begins === 1) decoder.reset();
    return decoder;
  }

  /** Chunks may begin anew every few bytes: the same memory serves as long as it can. */
  #begin(properties: LzmaProperties): LzmaDecoder {
    this.#isTold = true;
    const last = this.#decoder;
    if (last && isSame(last.properties, properties)) {
      last.reset();
      return last;
    }
    this.#decoder = new LzmaDecoder(properties);
    return this.#decoder;
  }
}
