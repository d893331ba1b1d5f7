import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc64 } from "../../../src/storage/export/crc64.ts";
import { randomBytesOf } from "../../support/random.ts";

const vectors: readonly (readonly [string, string])[] = [
  ["", "0000000000000000"],
  ["x", "2310000000000000"],
  ["hello", "3c3eeee2d8100000"],
  ["123456789", "b90956c775a41001"],
];

function words(hex: string): readonly [number, number] {
  const bytes = Buffer.from(hex, "hex");
  return [bytes.readInt32BE(0), bytes.readInt32BE(4)];
}

test("Crc64 gives the known checksums", () => {
  for (const [text, hex] of vectors) {
    const crc = new Crc64();
    crc.update(Buffer.from(text));
    assert.ok(crc.is(words(hex)), text);
    assert.ok(!crc.is(words("0000000000000001")));
  }
});

test("Crc64 does not mind how the bytes are cut, nor where they lie", () => {
  const bytes = randomBytesOf(3, 10_007);
  const reference = tableOf(bytes);
  for (const offset of [0, 1, 2, 3]) {
    const memory = new Uint8Array(bytes.byteLength + offset);
    memory.set(bytes, offset);
    for (const cut of [1, 4, 5, 512, 4096, bytes.byteLength]) {
      const crc = new Crc64();
      for (let at = 0; at < bytes.byteLength; at += cut) {
        crc.update(memory.subarray(offset + at, Math.min(offset + at + cut, memory.byteLength)));
      }
      assert.ok(crc.is(reference), `offset ${offset}, cut ${cut}`);
    }
  }
});

/** By the book, bit by bit. */
function tableOf(bytes: Uint8Array): readonly [number, number] {
  let crc = 2n ** 64n - 1n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0xd8n << 56n : 0n);
  }
  crc ^= 2n ** 64n - 1n;
  return [Number(BigInt.asIntN(32, crc >> 32n)), Number(BigInt.asIntN(32, crc))];
}
