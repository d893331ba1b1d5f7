import { constants, createGzip } from "node:zlib";
import { runEngine, type SyncEngine } from "./sync-engine.ts";

const outputBytes = 64 * 1024;

/** Packs bytes as one gzip member on the calling thread. */
export class SyncGzip {
  readonly #engine: SyncEngine;
  readonly #sink: (bytes: Buffer) => void;
  readonly #output = Buffer.allocUnsafeSlow(outputBytes);

  /** @param sink gets what comes out; each piece is valid during the call */
  constructor(level: number, sink: (bytes: Buffer) => void) {
    this.#engine = createGzip({ level }) as unknown as SyncEngine;
    this.#engine.on("error", () => {});
    this.#sink = sink;
  }

  write(bytes: Buffer): void {
    this.#run(constants.Z_NO_FLUSH, bytes);
  }

  /** Writes the end and gives the engine's memory back. */
  end(): void {
    this.#run(constants.Z_FINISH, Buffer.alloc(0));
    this.#engine.destroy();
  }

  #run(flush: number, input: Buffer): void {
    for (let at = 0, made = outputBytes; made === outputBytes; ) {
      const call = { flush, input, at, output: this.#output, filled: 0 };
      const result = runEngine(this.#engine, call);
      if (this.#engine.errored) throw this.#engine.errored;
      made = result.made;
      at = input.byteLength - result.left;
      if (made > 0) this.#sink(this.#output.subarray(0, made));
    }
  }
}
