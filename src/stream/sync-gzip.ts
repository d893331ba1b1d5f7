import { constants, createGzip } from "node:zlib";
import { SyncPacker } from "./sync-packer.ts";

const outputBytes = 64 * 1024;

/** Packs bytes as one gzip member on the calling thread. */
export class SyncGzip {
  readonly #packer: SyncPacker;

  /** @param sink gets what comes out; each piece is valid during the call */
  constructor(level: number, sink: (bytes: Buffer) => void) {
    this.#packer = new SyncPacker(createGzip({ level }), outputBytes, sink);
  }

  write(bytes: Buffer): void {
    this.#packer.run(constants.Z_NO_FLUSH, bytes);
  }

  /** Writes the end and gives the engine's memory back. */
  end(): void {
    this.#packer.run(constants.Z_FINISH, Buffer.alloc(0));
    this.#packer.close();
  }
}
