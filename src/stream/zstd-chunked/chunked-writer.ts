import { createHash, type Hash } from "node:crypto";
import { posix } from "node:path";
import { payloadSize, type TarHeader } from "../tar/header.ts";
import { TarParser, type TarVisitor } from "../tar/parser.ts";
import { Crc64 } from "../tar-split/crc64.ts";
import { entryLine, segmentLine } from "../tar-split/lines.ts";
import { ZstdFrames } from "./frames.ts";
import { PackedText } from "./packed-text.ts";
import { tocEntry, unlisted } from "./toc.ts";

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
  readonly #frames: ZstdFrames;
  readonly #parser = new TarParser(this);
  readonly #toc: PackedText;
  readonly #tarSplit: PackedText;
  /** Cleaned: readers of a tar-split take none twice. */
  readonly #names = new Set<string>();
  #lines = 0;
  #segment: Buffer[] = [];
  #segmentLength = 0;
  #header: TarHeader | undefined;
  #file: OpenFile | undefined;
  #written = 0;
  #made: Buffer[] = [];

  /** @param params of the encoder, by node:zlib's constants */
  constructor(params: Record<number, number>) {
    this.#frames = new ZstdFrames(params, (bytes) => this.#put(Buffer.from(bytes)));
    this.#toc = new PackedText(params);
    this.#tarSplit = new PackedText(params);
    this.#toc.write('{"version":1,"entries":[');
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
    const tarSplit = this.#tarSplit.end();
    this.#toc.write(`],"tarSplitDigest":"${sha256(tarSplit.packed)}"}`);
    const toc = this.#toc.end();
    const tocAt = this.#putSkippable(toc.packed);
    const tarSplitAt = this.#putSkippable(tarSplit.packed);
    const places = [
      [tocAt, toc.packed.byteLength, toc.size, tocKind],
      [tarSplitAt, tarSplit.packed.byteLength, tarSplit.size],
    ] as const;
    this.#putSkippable(footerOf(places.flat()));
    return {
      [annotations.tocDigest]: sha256(toc.packed),
      [annotations.tocPlace]: places[0].join(":"),
      [annotations.tarSplitPlace]: places[1].join(":"),
    };
  }

  close(): void {
    this.#frames.close();
    this.#toc.close();
    this.#tarSplit.close();
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
    const entry = JSON.stringify(tocEntry(header, place));
    this.#toc.write(this.#names.size > 1 ? `,${entry}` : entry);
    const size = file ? payloadSize(header) : 0;
    const sum = file ? file.sum.digest() : null;
    this.#tarSplit.write(entryLine(header.rawName, size, sum, this.#lines++));
  }

  #beginFile(): OpenFile {
    this.#frames.endFrame();
    return { offset: this.#written, hash: createHash("sha256"), sum: new Crc64() };
  }

  #flushSegment(): void {
    if (this.#segmentLength === 0) return;
    const bytes = Buffer.concat(this.#segment);
    this.#tarSplit.write(segmentLine(bytes, this.#lines++));
    this.#segment = [];
    this.#segmentLength = 0;
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
