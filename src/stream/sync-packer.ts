import { runEngine, type SyncEngine } from "./sync-engine.ts";

/** An engine of node:zlib that packs on the calling thread, for the kinds of packed bytes that are made of it. */
export class SyncPacker {
  readonly #engine: SyncEngine;
  readonly #sink: (bytes: Buffer) => void;
  readonly #output: Buffer;

  /**
   * @param engine one of node:zlib's streams that pack
   * @param outputBytes how long the pieces that come out are at most
   * @param sink gets them; each is valid during the call
   */
  constructor(engine: unknown, outputBytes: number, sink: (bytes: Buffer) => void) {
    this.#engine = engine as SyncEngine;
    this.#engine.on("error", () => {}); // looked at after each call
    this.#sink = sink;
    this.#output = Buffer.allocUnsafeSlow(outputBytes);
  }

  /**
   * Packs `input` whole, and hands on what the engine gives for it.
   *
   * @param flush by node:zlib's constants for the engine
   */
  run(flush: number, input: Buffer): void {
    const output = this.#output;
    for (let at = 0, full = true; full || at < input.byteLength; ) {
      const { made, left } = runEngine(this.#engine, { flush, input, at, output, filled: 0 });
      if (this.#engine.errored) throw this.#engine.errored;
      full = made === output.byteLength;
      at = input.byteLength - left;
      if (made > 0) this.#sink(output.subarray(0, made));
    }
  }

  /** Gives the engine's memory back. */
  close(): void {
    this.#engine.destroy();
  }
}
