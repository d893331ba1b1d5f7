import { createHash, type Hash } from "node:crypto";
import { posix } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { payloadSize, type TarHeader } from "../tar/header.ts";
import { TarParser, type TarVisitor } from "../tar/parser.ts";
import { Crc64 } from "../tar-split/crc64.ts";
import { entryLine, segmentLine } from "../tar-split/lines.ts";
import { ZstdFrames } from "./frames.ts";
import { type TocEntry, tocEntry, unlisted } from "./toc.ts";

// zstd:chunked, as c/storage's pkg/chunked has it: a tar as zstd frames, the content of each file in frames of its own; behind
// them, in frames that readers of zstd skip, a table of contents, a tar-split without the contents, and where the two are.

const annotations = {
  tocDigest: "io.github.containers.zstd-chunked.manifest-checksum",
  tocPlace: "io.github.containers.zstd-chunked.manifest-position",
  tarSplitPlace: "io.github.containers.zstd-chunked.tarsplit-position",
} as const;

const skippableMagic = 0x184d2a50;
const skippableHeaderBytes = 8;
const footerMagic = Buffer.from("GNUlInUx", "latin1");
/** A table of contents of CRFS's form. */
const tocKind = 1;

/** What is gathered into one segment of the tar-split at most. */
const segmentBytes = 1024 * 1024;

/** Whether a layer says of itself that it is zstd:chunked. */
export function isChunked(said: Readonly<Record<string, string>> = {}): boolean {
  return annotations.tocDigest in said;
}

/** A file whose content is being written. */
interface OpenFile {
  readonly offset: number;
  readonly hash: Hash;
  readonly sum: Crc64;
}

/** Takes a tar and gives it as zstd:chunked. */
export class ChunkedWriter implements TarVisitor {
  readonly #params: Record<number, number>;
  readonly #frames: ZstdFrames;
  readonly #parser = new TarParser(this);
  readonly #entries: TocEntry[] = [];
  /** Cleaned: readers of a tar-split take none twice. */
  readonly #names = new Set<string>();
  readonly #lines: string[] = [];
  #segment: Buffer[] = [];
  #segmentLength = 0;
  #header: TarHeader | undefined;
  #file: OpenFile | undefined;
  #written = 0;
  #made: Buffer[] = [];

  /** @param params of the encoder, by node:zlib's constants */
  constructor(params: Record<number, number>) {
    this.#params = params;
    this.#frames = new ZstdFrames(params, (bytes) => this.#put(Buffer.from(bytes)));
  }

  /** What came out since it was last asked. */
  take(): readonly Buffer[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }

  /** @throws {ContentError} `content.bad-tar` */
  write(bytes: Uint8Array): void {
    this.#parser.write(bytes);
  }

  /**
   * Writes what stands behind the content.
   *
   * @returns the annotations that a layer's descriptor needs, so that readers find it
   * @throws {ContentError} `content.bad-tar` where the tar breaks off
   */
  end(): Readonly<Record<string, string>> {
    this.#parser.end();
    this.#frames.endFrame();
    this.#flushSegment();
    const lines = Buffer.from(this.#lines.join(""));
    const tarSplit = this.#packed(lines);
    const toc = Buffer.from(
      JSON.stringify({ version: 1, entries: this.#entries, tarSplitDigest: sha256(tarSplit) }),
    );
    const packedToc = this.#packed(toc);
    const tocAt = this.#putSkippable(packedToc);
    const tarSplitAt = this.#putSkippable(tarSplit);
    const places = [
      [tocAt, packedToc.byteLength, toc.byteLength, tocKind],
      [tarSplitAt, tarSplit.byteLength, lines.byteLength],
    ] as const;
    this.#putSkippable(footerOf(places.flat()));
    return {
      [annotations.tocDigest]: sha256(packedToc),
      [annotations.tocPlace]: places[0].join(":"),
      [annotations.tarSplitPlace]: places[1].join(":"),
    };
  }

  close(): void {
    this.#frames.close();
  }

  raw(bytes: Buffer): void {
    this.#frames.write(bytes);
    this.#segment.push(Buffer.from(bytes));
    this.#segmentLength += bytes.byteLength;
    if (this.#segmentLength >= segmentBytes) this.#flushSegment();
  }

  entry(header: TarHeader): void {
    const name = posix.normalize(header.rawName).replace(/(?<=.)\/$/, "");
    if (this.#names.has(name)) throw unlisted("duplicates of file paths not supported");
    this.#names.add(name);
    this.#header = header;
    this.#flushSegment();
  }

  payload(bytes: Buffer): void {
    this.#file ??= this.#beginFile();
    this.#file.hash.update(bytes);
    this.#file.sum.update(bytes);
    this.#frames.write(bytes);
  }

  entryEnd(): void {
    const [header, file] = [this.#header, this.#file];
    if (!header) return;
    this.#file = undefined;
    if (file) this.#frames.endFrame();
    const place = file && {
      digest: `sha256:${file.hash.digest("hex")}`,
      offset: file.offset,
      endOffset: this.#written,
    };
    this.#entries.push(tocEntry(header, place));
    const size = file ? payloadSize(header) : 0;
    const sum = file ? file.sum.digest() : null;
    this.#lines.push(entryLine(header.rawName, size, sum, this.#lines.length));
  }

  #beginFile(): OpenFile {
    this.#frames.endFrame();
    return { offset: this.#written, hash: createHash("sha256"), sum: new Crc64() };
  }

  #flushSegment(): void {
    if (this.#segmentLength === 0) return;
    const bytes = Buffer.concat(this.#segment);
    this.#lines.push(segmentLine(bytes, this.#lines.length));
    this.#segment = [];
    this.#segmentLength = 0;
  }

  #packed(bytes: Buffer): Buffer {
    return zstdCompressSync(bytes, { params: this.#params });
  }

  /** @returns where its content begins */
  #putSkippable(content: Buffer): number {
    const header = Buffer.alloc(skippableHeaderBytes);
    header.writeUInt32LE(skippableMagic, 0);
    header.writeUInt32LE(content.byteLength, 4);
    this.#put(header);
    const at = this.#written;
    this.#put(content);
    return at;
  }

  #put(bytes: Buffer): void {
    this.#made.push(bytes);
    this.#written += bytes.byteLength;
  }
}

function footerOf(numbers: readonly number[]): Buffer {
  const footer = Buffer.alloc((numbers.length + 1) * 8);
  for (const [index, number] of numbers.entries())
    footer.writeBigUInt64LE(BigInt(number), index * 8);
  footerMagic.copy(footer, numbers.length * 8);
  return footer;
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
