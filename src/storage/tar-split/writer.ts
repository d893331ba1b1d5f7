import type { ByteString } from "../../stream/tar/byte-string.ts";
import { entryLine, segmentLine } from "../../stream/tar-split/lines.ts";
import { GzipFile } from "./gzip-file.ts";

/** What is gathered into one segment at most. */
const segmentBytes = 32 * 1024;

/**
 * Writes a tar-split: what rebuilds a tar byte by byte from the files it was unpacked to. Bytes go to {@link raw} in the tar's
 * order, those of payloads excepted that the tree will give back.
 */
export class TarSplitWriter {
  readonly #file: GzipFile;
  readonly #segment = Buffer.allocUnsafeSlow(segmentBytes);
  #filled = 0;
  #position = 0;

  /** @param fd an empty file; stays open */
  constructor(fd: number) {
    this.#file = new GzipFile(fd);
  }

  /** Bytes of the tar that the tree does not give back. */
  raw(bytes: Buffer): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const copied = bytes.copy(this.#segment, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === segmentBytes) this.#flush();
    }
  }

  /** The entry whose payload of `size` bytes, with that CRC-64, is in the file of its name. Gives the line's number. */
  file(name: ByteString, size: number, sum: Buffer): number {
    this.#flush();
    this.#file.write(entryLine(name, size, sum, this.#position));
    return this.#position++;
  }

  /** An entry of whose payload, if it has any, no file holds a byte. */
  bare(name: ByteString): void {
    this.#flush();
    this.#file.write(entryLine(name, 0, null, this.#position++));
  }

  end(): void {
    this.#flush();
    this.#file.end();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#file.write(segmentLine(this.#segment.subarray(0, this.#filled), this.#position++));
    this.#filled = 0;
  }
}
