import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** A block to be: its LZMA2, and what that unpacks to. */
export interface XzBlock {
  readonly lzma2: Uint8Array;
  readonly plain: Uint8Array;
  /** Sizes for its header to say. */
  readonly says?: { readonly packed?: number; readonly plain?: number };
  /** Of its LZMA2, as a code; of 64 KiB unless told. */
  readonly window?: number;
  /** Before its check; as many zeros as there have to be unless told. */
  readonly padding?: Uint8Array;
}

/** What is wrong with a stream. */
export interface XzFaults {
  /** Records of the index, in place of the blocks' own: unpadded and plain size. */
  readonly records?: (own: readonly [number, number][]) => readonly [number, number][];
  readonly footerFlags?: number;
  readonly footerSize?: number;
}

/** LZMA2 of plain chunks: each begins with 1 or 2, the last one is followed by the end. */
export function plainChunks(...chunks: readonly (readonly [control: number, Uint8Array])[]) {
  const parts = chunks.flatMap(([control, bytes]) => {
    const size = bytes.byteLength - 1;
    return [Buffer.of(control, size >> 8, size & 0xff), bytes];
  });
  return Buffer.concat([...parts, Buffer.of(0)]);
}

/** A block of one plain chunk. */
export function plainBlock(plain: Uint8Array): XzBlock {
  return { lzma2: plainChunks([1, plain]), plain };
}

/** An xz stream of these blocks, checked by SHA-256 — xz-file-format 2. */
export function xzStream(blocks: readonly XzBlock[], faults: XzFaults = {}): Buffer {
  const flags = Buffer.of(0, 10);
  const made = blocks.map(blockBytes);
  const own = made.map(({ record }) => record);
  const index = indexBytes(faults.records?.(own) ?? own);
  const footer = Buffer.alloc(6);
  footer.writeUInt32LE(faults.footerSize ?? index.byteLength / 4 - 1);
  footer[5] = faults.footerFlags ?? 10;
  return Buffer.concat([
    Buffer.from("fd377a585a00", "hex"),
    flags,
    sum(flags),
    ...made.map(({ bytes }) => bytes),
    index,
    sum(footer),
    footer,
    Buffer.from("YZ"),
  ]);
}

function sum(bytes: Uint8Array): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(crc32(bytes));
  return word;
}

function number(value: number): Buffer {
  const groups: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.of(...groups, rest);
    groups.push((rest % 128) | 0x80);
  }
}

function blockBytes({ lzma2, plain, says = {}, window = 8, padding }: XzBlock) {
  const flags = (says.packed === undefined ? 0 : 0x40) | (says.plain === undefined ? 0 : 0x80);
  const sizes = [says.packed, says.plain].flatMap((size) =>
    size === undefined ? [] : number(size),
  );
  const fields = Buffer.concat([Buffer.of(0, flags), ...sizes, Buffer.of(0x21, 1, window)]);
  const header = Buffer.concat([fields, zeros(fields.byteLength)]);
  header[0] = header.byteLength / 4;
  const check = createHash("sha256").update(plain).digest();
  const bytes = [header, sum(header), lzma2, padding ?? zeros(lzma2.byteLength), check];
  const unpadded = header.byteLength + 4 + lzma2.byteLength + check.byteLength;
  return { bytes: Buffer.concat(bytes), record: [unpadded, plain.byteLength] as [number, number] };
}

function indexBytes(records: readonly (readonly [number, number])[]): Buffer {
  const fields = records.flatMap(([unpadded, plain]) => [number(unpadded), number(plain)]);
  const body = Buffer.concat([Buffer.of(0), number(records.length), ...fields]);
  const padded = Buffer.concat([body, zeros(body.byteLength)]);
  return Buffer.concat([padded, sum(padded)]);
}

/** As many as are missing to a multiple of four. */
function zeros(size: number): Buffer {
  return Buffer.alloc(-size & 3);
}
