import { closeSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { Crc64 } from "../../stream/tar-split/crc64.ts";
import { changed, type LayerFiles } from "./layer-files.ts";
import type { FileEntry } from "./tar-split-entries.ts";

const readApart = promisify(read);

/** One file of a layer being read, and its checksum made where one is given; one at a time, since that is shared. */
export class FileReading implements Disposable {
  readonly #entry: FileEntry;
  readonly #file: number;
  readonly #crc: Crc64 | undefined;
  #at: number;

  /** @param from where to begin; past the start, the checksum cannot be told */
  constructor(entry: FileEntry, files: LayerFiles, crc: Crc64 | undefined, from: number) {
    this.#entry = entry;
    this.#file = files.open(entry.name, entry.size);
    this.#crc = from === 0 ? crc : undefined;
    this.#at = from;
    this.#crc?.reset();
  }

  /** How many bytes are still to be read. */
  get left(): number {
    return this.#entry.size - this.#at;
  }

  /** @returns how much of `room` was filled, at least a byte */
  read(room: Buffer): number {
    return this.#took(room, readSync(this.#file, room, 0, room.byteLength, this.#at));
  }

  /** As {@link read}, on another thread. */
  async readApart(room: Buffer): Promise<number> {
    const { bytesRead } = await readApart(this.#file, room, 0, room.byteLength, this.#at);
    return this.#took(room, bytesRead);
  }

  #took(room: Buffer, bytes: number): number {
    if (bytes === 0) throw changed(this.#entry.name, "it became shorter");
    this.#crc?.update(room.subarray(0, bytes));
    this.#at += bytes;
    return bytes;
  }

  /** To be called at the end. @throws {ExportError} `storage.changed-file` */
  check(): void {
    if (!this.#crc || this.#crc.is(this.#entry.crc)) return;
    throw changed(this.#entry.name, "it has another content");
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
