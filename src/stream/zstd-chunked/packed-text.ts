import { zstdCompressSync } from "node:zlib";
import { ZstdFrames } from "./frames.ts";

/** What is gathered before it is packed. */
const batchCharacters = 64 * 1024;

/** A text packed while it is written, so that one of many lines takes no more memory than it does packed. */
export class PackedText {
  readonly #frames: ZstdFrames;
  readonly #made: Buffer[] = [];
  #batch: string[] = [];
  #batchLength = 0;
  #size = 0;

  /** @param params of the encoder, by node:zlib's constants */
  constructor(params: Record<number, number>) {
    this.#frames = new ZstdFrames(params, (bytes) => this.#made.push(Buffer.from(bytes)));
  }

  write(text: string): void {
    this.#batch.push(text);
    this.#batchLength += text.length;
    if (this.#batchLength >= batchCharacters) this.#pack();
  }

  /** All of it in one zstd frame, and how many bytes it unpacks to. */
  end(): { readonly packed: Buffer; readonly size: number } {
    this.#pack();
    this.#frames.endFrame();
    const packed = this.#size > 0 ? Buffer.concat(this.#made) : zstdCompressSync("");
    return { packed, size: this.#size };
  }

  /** Gives the encoder's memory back. */
  close(): void {
    this.#frames.close();
  }

  #pack(): void {
    const bytes = Buffer.from(this.#batch.join(""));
    this.#batch = [];
    this.#batchLength = 0;
    this.#size += bytes.byteLength;
    this.#frames.write(bytes);
  }
}
