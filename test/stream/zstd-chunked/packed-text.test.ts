import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { zstdParams } from "../../../src/stream/zstd.ts";
import { PackedText } from "../../../src/stream/zstd-chunked/packed-text.ts";

test("a text is packed as one frame, whatever comes how often, and none as an empty one", () => {
  const line = `{"name":"${"\u00e9".repeat(300)}"}\n`;
  for (const count of [0, 1, 2, 5000]) {
    const text = new PackedText(zstdParams(undefined));
    for (let at = 0; at < count; at++) text.write(line);
    const { packed, size } = text.end();
    const plain = zstdDecompressSync(packed);
    assert.equal(plain.toString(), line.repeat(count));
    assert.equal(size, plain.byteLength);
    assert.equal(packed.readUInt32LE(0), 0xfd2fb528);
    text.close();
  }
});
