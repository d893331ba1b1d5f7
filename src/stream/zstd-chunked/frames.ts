import { constants, createZstdCompress } from "node:zlib";
import { runEngine, type SyncEngine } from "../sync-engine.ts";

const outputBytes = 128 * 1024;

/** Zstd frames one after the other, made on the calling thread. */
export class ZstdFrames {
  readonly #engine: SyncEngine;
  readonly #sink: (bytes: Buffer) => void;
  readonly #output = Buffer.allocUnsafeSlow(outputBytes);
  #isOpen = false;

  /**
   * @param params of the encoder, by node:zlib's constants
   * @param sink gets what comes out; each piece is valid during the call
   */
  constructor(params: Record<number, number>, sink: (bytes: Buffer) => void) {
    this.#engine = createZstdCompress({ params }) as unknown as SyncEngine;
    this.#engine.on("error", () => {});
    this.#sink = sink;
  }

  write(bytes: Buffer): void {
    if (bytes.byteLength === 0) return;
    this.#isOpen = true;
    this.#run(constants.ZSTD_e_continue, bytes);
  }

  /** What comes next is in a frame of its own. Nothing where nothing came since the last. */
  endFrame(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#run(constants.ZSTD_e_end, Buffer.alloc(0));
  }

  /** Gives the engine's memory back. */
  close(): void {
    this.#engine.destroy();
  }

  #run(flush: number, input: Buffer): void {
    for (let at = 0, made = outputBytes; made === outputBytes || at < input.byteLength; ) {
      const call = { flush, input, at, output: this.#output, filled: 0 };
      const result = runEngine(this.#engine, call);
      if (this.#engine.errored) throw this.#engine.errored;
      made = result.made;
      at = input.byteLength - result.left;
      if (made > 0) this.#sink(this.#output.subarray(0, made));
    }
  }
}
