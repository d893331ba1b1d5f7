import { type Decoding, has, type Input, need } from "../decoder/input.ts";
import { BlockReader } from "./block-reader.ts";
import { addToCrc } from "./crc.ts";
import { invalid } from "./errors.ts";
import { Runs } from "./runs.ts";

/** The first two of a stream's bytes. */
const magic = 0x425a;

const pieceBytes = 64 * 1024;

/**
 * What is packed in bzip2 streams, one behind the other as pbzip2 writes them. Nothing else may follow: as in Go's reader, whose
 * words the errors are.
 */
export function* bunzip2(input: Input): Decoding {
  const blocks = new BlockReader(input);
  const output = new Uint8Array(pieceBytes);
  yield* need(input, 2);
  if (!startsStream(input)) throw invalid("bad magic value");
  for (;;) {
    yield* stream(input, blocks, output);
    if (!(yield* has(input, 1))) return;
    yield* need(input, 2);
    if (!startsStream(input)) throw invalid("bad magic value in continuation file");
  }
}

function startsStream({ bytes, start }: Input): boolean {
  return (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0)) === magic;
}

function* stream(input: Input, blocks: BlockReader, output: Uint8Array): Decoding {
  yield* need(input, 4);
  const [, , kind = 0, size = 0] = input.take(4);
  if (kind !== 0x68) throw invalid("non-Huffman entropy encoding");
  if (size < 0x31 || size > 0x39) throw invalid("invalid compression level");
  blocks.begin(size - 0x30);
  for (let crc = 0; ; crc = ((crc << 1) | (crc >>> 31)) ^ blocks.block.crc) {
    const end = yield* blocks.next();
    if (!end) {
      yield* content(blocks, output);
      continue;
    }
    if (end.crc !== crc) throw invalid("file checksum mismatch");
    return;
  }
}

function* content({ block }: BlockReader, output: Uint8Array): Decoding {
  const runs = new Runs(block);
  let crc = -1;
  for (let filled = output.byteLength; filled === output.byteLength; ) {
    filled = runs.fill(output);
    const piece = output.subarray(0, filled);
    crc = addToCrc(crc, piece);
    if (filled > 0) yield piece;
  }
  if (~crc !== block.crc) throw invalid("block checksum mismatch");
}
