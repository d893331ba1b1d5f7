import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc64 } from "../../../src/stream/tar-split/crc64.ts";

/** Go's hash/crc64 with its ISO table. */
const vectors: Readonly<Record<string, string>> = {
  "": "0000000000000000",
  x: "2310000000000000",
  hello: "3c3eeee2d8100000",
  "123456789": "b90956c775a41001",
};

function words(sum: string): readonly [number, number] {
  const bytes = Buffer.from(sum, "hex");
  return [bytes.readInt32BE(0), bytes.readInt32BE(4)];
}

test("Crc64 gives Go's sums, however the bytes are cut", () => {
  for (const [text, sum] of Object.entries(vectors)) {
    for (let step = 1; step <= 9; step++) {
      const crc = new Crc64();
      for (let at = 0; at < text.length; at += step) {
        crc.update(Buffer.from(text.slice(at, at + step)));
      }
      assert.equal(crc.digest().toString("hex"), sum);
      assert.ok(crc.is(words(sum)));
      assert.ok(!crc.is(words("0000000000000001")));
    }
  }
});

test("Crc64 folds words as it folds bytes, aligned or not", () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7919) % 256));
  const plain = new Crc64();
  for (const byte of bytes) plain.update(Buffer.from([byte]));
  for (const offset of [0, 1, 2, 3]) {
    const memory = Buffer.allocUnsafeSlow(1100);
    bytes.copy(memory, offset);
    const crc = new Crc64();
    crc.update(Buffer.from("begun before"));
    crc.reset();
    crc.update(memory.subarray(offset, offset + 1000));
    assert.deepEqual(crc.digest(), plain.digest());
  }
});
