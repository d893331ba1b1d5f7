import { ftruncateSync } from "node:fs";
import { ContentError } from "../../core/errors.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { invalidHeader, parsePaxNumber } from "../../stream/tar/fields.ts";
import { blockSize, type TarHeader } from "../../stream/tar/header.ts";
import { type PaxRecords, sparseMapKey } from "../../stream/tar/pax.ts";
import { writeFully } from "../tar-split/gzip-file.ts";

/** A file of which a tar holds only the pieces that are not zeros. */
export interface SparseFile {
  readonly name: ByteString;
  readonly size: number;
  /** The pieces in turn, offset and length each; undefined where the payload begins with them. */
  readonly map: readonly number[] | undefined;
}

/** What a map may be long: Go knows no limit but this is more than any archiver writes. */
const maxMapBytes = 1024 * 1024;

/**
 * Whether a header is one of GNU's sparse formats 0.0, 0.1 and 1.0 in PAX records, as Go tells it; versions nobody knows are
 * ordinary files.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export function sparseFileOf(header: TarHeader): SparseFile | undefined {
  const { pax } = header;
  const format = pax.size === 0 ? undefined : formatOf(pax);
  if (format === undefined) return;
  if (header.type !== "0") throw invalidHeader();
  const size = pax.get("GNU.sparse.size") || pax.get("GNU.sparse.realsize");
  const file = {
    name: pax.get("GNU.sparse.name") || header.rawName,
    size: size ? parsePaxNumber(size) : header.size,
  };
  const map = format === "in payload" ? undefined : checkedMap(mapOf(pax), file.size);
  return { ...file, map };
}

function formatOf(pax: PaxRecords): "in records" | "in payload" | undefined {
  const version = `${pax.get("GNU.sparse.major") ?? ""}.${pax.get("GNU.sparse.minor") ?? ""}`;
  if (version === "1.0") return "in payload";
  if (version === "0.0" || version === "0.1") return "in records";
  return version === "." && pax.get(sparseMapKey) ? "in records" : undefined;
}

function mapOf(pax: PaxRecords): readonly number[] {
  const text = pax.get(sparseMapKey) ?? "";
  const map = text === "" ? [] : text.split(",").map(parsePaxNumber);
  const count = parsePaxNumber(pax.get("GNU.sparse.numblocks") ?? "");
  if (map.length !== 2 * count) throw invalidHeader();
  return map;
}

/** Pieces in order, none beyond the end. */
function checkedMap(map: readonly number[], size: number): readonly number[] {
  if (size < 0 || !Number.isSafeInteger(size) || map.length % 2 !== 0) throw invalidHeader();
  let last = 0;
  for (let index = 0; index < map.length; index += 2) {
    const [offset = -1, length = -1] = [map[index], map[index + 1]];
    if (offset < last || length < 0 || offset + length > size) throw invalidHeader();
    last = offset + length;
  }
  return map;
}

/** Writes the pieces of a sparse file to where they belong; what is between them stays a hole. */
export class SparseWriter {
  readonly #fd: number;
  readonly #file: SparseFile;
  #map: readonly number[] | undefined;
  #mapText = "";
  #piece = 0;
  #done = 0;

  constructor(fd: number, file: SparseFile) {
    this.#fd = fd;
    this.#file = file;
    this.#map = file.map;
  }

  write(bytes: Buffer): void {
    let from = this.#map ? 0 : this.#readMap(bytes);
    while (this.#map && from < bytes.byteLength) {
      const [offset = 0, length] = [this.#map[this.#piece], this.#map[this.#piece + 1]];
      if (length === undefined) throw unreferenced();
      const some = bytes.subarray(from, from + length - this.#done);
      writeFully(this.#fd, some, offset + this.#done);
      from += some.byteLength;
      this.#done += some.byteLength;
      if (this.#done === length) this.#nextPiece();
    }
  }

  #nextPiece(): void {
    this.#piece += 2;
    this.#done = 0;
  }

  /** The map of format 1.0: decimal numbers, a line each, the first one their count; filled up to a block. */
  #readMap(bytes: Buffer): number {
    const before = this.#mapText.length;
    this.#mapText += bytes.toString("latin1", 0, maxMapBytes);
    const [count, ...lines] = this.#mapText.split("\n");
    const wanted = lines.length > 0 ? 2 * parsePaxNumber(count ?? "") : Number.POSITIVE_INFINITY;
    if (wanted < 0 || this.#mapText.length > maxMapBytes + blockSize) throw invalidHeader();
    if (lines.length <= wanted) return bytes.byteLength;
    const numbers = lines.slice(0, wanted);
    const length = [count, ...numbers].reduce((sum, line) => sum + (line?.length ?? 0) + 1, 0);
    const end = Math.ceil(length / blockSize) * blockSize;
    if (end > this.#mapText.length) return bytes.byteLength;
    this.#map = checkedMap(numbers.map(parsePaxNumber), this.#file.size);
    this.#mapText = "";
    return end - before;
  }

  /** @throws {ContentError} `content.bad-tar` where pieces are missing */
  end(): void {
    while (this.#map?.[this.#piece + 1] === this.#done) this.#nextPiece();
    if (!this.#map || this.#piece < this.#map.length) throw missingPieces();
    ftruncateSync(this.#fd, this.#file.size);
  }
}

function unreferenced(): ContentError {
  return new ContentError("content.bad-tar", "archive/tar: sparse file contains unreferenced data");
}

function missingPieces(): ContentError {
  return new ContentError(
    "content.bad-tar",
    "archive/tar: sparse file references non-existent data",
  );
}
