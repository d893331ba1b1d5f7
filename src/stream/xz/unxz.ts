import { type Decoding, has, type Input, need } from "../decoder/input.ts";
import { type BlockHeader, parseBlockHeader } from "./block-header.ts";
import { type Check, checkOf } from "./check.ts";
import { invalid } from "./errors.ts";
import { endsInSum, isZero, wordAt } from "./fields.ts";
import { Lzma2 } from "./lzma2.ts";
import { Records, readIndex } from "./stream-index.ts";

const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;
const headerBytes = 12;
const paddingBytes = 4;

/**
 * What is packed in xz streams, one behind the other, with padding behind each: zeros, four at a time. Nothing else may follow.
 * As in the Go tools' reader, whose words the errors are, but for this: it takes what breaks off where a block or an index
 * should begin for complete.
 */
export function* unxz(input: Input): Decoding {
  const lzma2 = new Lzma2();
  yield* stream(input, lzma2);
  while (yield* has(input, 1)) {
    yield* need(input, paddingBytes);
    if (!skipPadding(input)) yield* stream(input, lzma2);
  }
}

/** Passes over all padding that is there; false where there is none. */
function skipPadding(input: Input): boolean {
  const before = input.start;
  while (input.length >= paddingBytes && wordAt(input.bytes, input.start) === 0) {
    input.start += paddingBytes;
  }
  return input.start > before;
}

function* stream(input: Input, lzma2: Lzma2): Decoding {
  yield* need(input, headerBytes);
  const flags = parseHeader(input.take(headerBytes));
  const check = checkOf(flags);
  if (!check) throw invalid("xz: invalid flags");
  const records = new Records();
  for (;;) {
    yield* need(input, 1);
    const size = input.bytes[input.start] ?? 0;
    if (size === 0) break;
    const sizes = yield* block(input, lzma2, (size + 1) * 4, check.create());
    records.add(sizes.unpadded + check.bytes, sizes.plain);
  }
  const indexBytes = yield* readIndex(input, records);
  yield* need(input, headerBytes);
  checkFooter(input.take(headerBytes), flags, indexBytes);
}

/** The kind of check that blocks have — `xz-file-format` 2.1.1. */
function parseHeader(bytes: Uint8Array): number {
  if (!magic.every((byte, at) => bytes[at] === byte)) {
    throw invalid("xz: invalid header magic bytes");
  }
  if (!endsInSum(bytes.subarray(6))) throw invalid("xz: invalid checksum for file header");
  const [first, second = 0] = bytes.subarray(6);
  if (first !== 0) throw invalid("xz: invalid flags");
  return second;
}

/** A sum, the index's size, the flags again, two letters — `xz-file-format` 2.1.2. */
function checkFooter(bytes: Uint8Array, flags: number, indexBytes: number): void {
  if (bytes[10] !== 0x59 || bytes[11] !== 0x5a) throw invalid("xz: footer magic invalid");
  const summed = Uint8Array.of(...bytes.subarray(4, 10), ...bytes.subarray(0, 4));
  if (!endsInSum(summed)) throw invalid("xz: footer checksum error");
  if (bytes[8] !== 0 || bytes[9] !== flags) throw invalid("xz: footer flags incorrect");
  if ((wordAt(bytes, 4) + 1) * 4 !== indexBytes) throw invalid("xz: index size in footer wrong");
}

/** What a block's record in the index says, but for the check. */
interface BlockSizes {
  readonly unpadded: number;
  readonly plain: number;
}

function* block(
  input: Input,
  lzma2: Lzma2,
  blockHeaderBytes: number,
  check: Check,
): Generator<Uint8Array | undefined, BlockSizes, void> {
  yield* need(input, blockHeaderBytes);
  const header = parseBlockHeader(input.take(blockHeaderBytes));
  const begin = input.passed;
  let plain = 0;
  for (const piece of lzma2.decode(input, header.windowBytes)) {
    if (piece) {
      check.update(piece);
      plain += piece.byteLength;
      refuseLonger(header, plain, input.passed - begin);
    }
    yield piece;
  }
  const packed = input.passed - begin;
  refuseLonger(header, plain, packed);
  refuseShorter(header, plain, packed);
  yield* ending(input, -packed & 3, check.digest());
  return { unpadded: blockHeaderBytes + packed, plain };
}

function refuseLonger({ packedBytes, plainBytes }: BlockHeader, plain: number, packed: number) {
  if (plainBytes !== undefined && plain > plainBytes) {
    throw invalid("xz: wrong uncompressed size for block");
  }
  if (packedBytes !== undefined && packed > packedBytes) {
    throw invalid("xz: wrong compressed size for block");
  }
}

function refuseShorter(
  { packedBytes = 0, plainBytes = 0 }: BlockHeader,
  plain: number,
  packed: number,
) {
  if (plain < plainBytes || packed < packedBytes) throw invalid("unexpected EOF");
}

/** Zeros up to a multiple of four, and the check. */
function* ending(input: Input, padding: number, sum: Uint8Array): Generator<undefined, void, void> {
  yield* need(input, padding + sum.byteLength);
  const bytes = input.take(padding + sum.byteLength);
  if (!isZero(bytes.subarray(0, padding))) throw invalid("xz: non-zero block padding");
  if (!sum.every((byte, at) => bytes[padding + at] === byte)) {
    throw invalid("xz: checksum error for block");
  }
}
