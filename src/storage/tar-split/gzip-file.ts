import { writeSync } from "node:fs";
import { SyncGzip } from "../../stream/sync-gzip.ts";

const gatheredBytes = 64 * 1024;

/** Lines of text that become one gzip file, on the calling thread. */
export class GzipFile {
  readonly #gzip: SyncGzip;
  readonly #gathered = Buffer.allocUnsafeSlow(gatheredBytes);
  #filled = 0;

  /** @param fd stays open */
  constructor(fd: number) {
    this.#gzip = new SyncGzip(1, (bytes) => writeFully(fd, bytes));
  }

  write(text: string): void {
    // In UTF-8 no character of UTF-16 takes more than three bytes.
    if (text.length * 3 > gatheredBytes - this.#filled) this.#flush();
    if (text.length * 3 > gatheredBytes) this.#gzip.write(Buffer.from(text));
    else this.#filled += this.#gathered.write(text, this.#filled);
  }

  end(): void {
    this.#flush();
    this.#gzip.end();
  }

  #flush(): void {
    if (this.#filled > 0) this.#gzip.write(this.#gathered.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** write(2) until all is written; at the file's own position, or at one that is given. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let at = 0; at < bytes.byteLength; ) {
    const place = position === null ? null : position + at;
    at += writeSync(fd, bytes, at, bytes.byteLength - at, place);
  }
}
