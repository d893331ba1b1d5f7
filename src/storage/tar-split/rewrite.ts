import { fstatSync, ftruncateSync, readSync } from "node:fs";
import { createInflater } from "../../stream/sync-inflater.ts";
import { segmentLine } from "../../stream/tar-split/lines.ts";
import { GzipFile, writeFully } from "./gzip-file.ts";

/** Bytes in a file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** What {@link inlinePayloads} works on; all descriptors stay open. */
export interface Inlining {
  /** The tar-split, open for reading and writing; it has the new one in the end. */
  readonly fd: number;
  /** An empty file for the new one while it comes to be. */
  readonly spare: number;
  /** Where the payloads are. */
  readonly saved: number;
  /** Which lines to replace, by number, with which payload. */
  readonly lines: ReadonlyMap<number, Extent>;
}

const pieceBytes = 32 * 1024;

/**
 * Puts payloads into a finished tar-split in place of the lines that say that files hold them: those files were replaced or
 * removed by later entries of the same tar.
 */
export function inlinePayloads({ fd, spare, saved, lines }: Inlining): void {
  const file = new GzipFile(spare);
  let position = 0;
  let number = 0;
  const segment = (bytes: Buffer) => file.write(segmentLine(bytes, position++));
  const splitter = new LineSplitter((line) => {
    const extent = lines.get(number++);
    if (extent) forEachPiece(saved, extent, segment);
    else
      file.write(line.replace(/"position":\d+\}$/, () => `"position":${position++}}`).concat("\n"));
  });
  const inflater = createInflater("gzip", (bytes) => splitter.write(bytes));
  forEachPiece(fd, { offset: 0, length: fstatSync(fd).size }, (bytes) => inflater.write(bytes));
  inflater.end();
  file.end();
  copyBack(spare, fd);
}

function forEachPiece(fd: number, { offset, length }: Extent, take: (bytes: Buffer) => void) {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  for (let at = 0; at < length; ) {
    const got = readSync(fd, piece, 0, Math.min(pieceBytes, length - at), offset + at);
    if (got === 0) throw new Error("a file of ours is shorter than it was");
    take(piece.subarray(0, got));
    at += got;
  }
}

function copyBack(from: number, to: number): void {
  ftruncateSync(to, 0);
  let at = 0;
  forEachPiece(from, { offset: 0, length: fstatSync(from).size }, (bytes) => {
    writeFully(to, bytes, at);
    at += bytes.byteLength;
  });
}

/** Cuts bytes into lines, without their ends. */
class LineSplitter {
  readonly #take: (line: string) => void;
  #begun = "";

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Lines are ASCII but for names; those are cut at no character's middle, since bytes stay bytes until a line is whole. */
  write(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      const line = this.#begun + bytes.toString("latin1", from, end);
      this.#take(Buffer.from(line, "latin1").toString());
      this.#begun = "";
      from = end + 1;
    }
    this.#begun += bytes.toString("latin1", from);
  }
}
