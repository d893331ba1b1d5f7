import { constants, createZstdCompress } from "node:zlib";
import { SyncPacker } from "../sync-packer.ts";

const outputBytes = 128 * 1024;

/** Zstd frames one after the other, made on the calling thread. */
export class ZstdFrames {
  readonly #packer: SyncPacker;
  #isOpen = false;

  /**
   * @param params of the encoder, by node:zlib's constants
   * @param sink gets what comes out; each piece is valid during the call
   */
  constructor(params: Record<number, number>, sink: (bytes: Buffer) => void) {
    this.#packer = new SyncPacker(createZstdCompress({ params }), outputBytes, sink);
  }

  write(bytes: Buffer): void {
    if (bytes.byteLength === 0) return;
    this.#isOpen = true;
    this.#packer.run(constants.ZSTD_e_continue, bytes);
  }

  /** What comes next is in a frame of its own. Nothing where nothing came since the last. */
  endFrame(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#packer.run(constants.ZSTD_e_end, Buffer.alloc(0));
  }

  /** Gives the engine's memory back. */
  close(): void {
    this.#packer.close();
  }
}
