import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { brokenOff, has, type Input, need } from "../decoder/input.ts";
import { invalid } from "./errors.ts";
import { isZero, VariableNumber, wordAt } from "./fields.ts";

/** The sizes of a stream's blocks, however many: those that passed, or those that its index says. */
export class Records {
  count = 0;
  readonly #hash = createHash("sha256");

  add(unpaddedBytes: number, plainBytes: number): void {
    this.count += 1;
    this.#hash.update(`${unpaddedBytes} ${plainBytes}\n`);
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

/**
 * Reads a stream's index, from its first byte on, and compares it with the blocks that came — `xz-file-format` 4. Gives its size.
 *
 * @throws {ContentError} `content.bad-compression`
 */
export function* readIndex(input: Input, blocks: Records): Generator<undefined, number, void> {
  const reader = new IndexReader(input);
  yield* need(input, 1);
  reader.byte();
  const count = yield* reader.number();
  if (count !== blocks.count) {
    throw invalid(`xz: index length is ${count}; want ${blocks.count}`);
  }
  const records = new Records();
  while (records.count < count) {
    const unpaddedBytes = yield* reader.number();
    records.add(unpaddedBytes, yield* reader.number());
  }
  const padding = -reader.size & 3;
  yield* need(input, padding + 4);
  const rest = input.take(padding + 4);
  if (!isZero(rest.subarray(0, padding))) throw invalid("xz: non-zero byte in index padding");
  if (crc32(rest.subarray(0, padding), reader.sum) !== wordAt(rest, padding)) {
    throw invalid("xz: wrong checksum for index");
  }
  if (records.digest() !== blocks.digest()) throw invalid("xz: error in xz file index");
  return reader.size + padding + 4;
}

class IndexReader {
  size = 0;
  sum = 0;
  readonly #input: Input;

  constructor(input: Input) {
    this.#input = input;
  }

  byte(): number {
    const byte = this.#input.take(1);
    this.sum = crc32(byte, this.sum);
    this.size += 1;
    return byte[0] ?? 0;
  }

  *number(): Generator<undefined, number, void> {
    const number = new VariableNumber();
    do {
      if (!(yield* has(this.#input, 1))) throw brokenOff();
    } while (!number.add(this.byte()));
    return number.value;
  }
}
