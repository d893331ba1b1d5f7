import assert from "node:assert/strict";
import { test } from "node:test";
import { readBounded } from "../../src/stream/bounded.ts";
import { randomBytesOf } from "../support/random.ts";
import { codeOf, cut, scribbled } from "./bytes.ts";

const content = randomBytesOf(1, 10_000);

test("readBounded() gives all bytes, in memory of its own", async () => {
  for (const size of [1, 999, 10_000, 20_000]) {
    const bytes = await readBounded(scribbled(content, size), 10_000, "test");
    assert.deepEqual(Buffer.from(bytes), content);
  }
  assert.equal((await readBounded(cut(Buffer.alloc(0), 1), 0, "test")).byteLength, 0);
});

test("readBounded() ends the source at the first byte too many", async () => {
  let asked = 0;
  let ended = false;
  async function* source() {
    try {
      for await (const chunk of cut(content, 1000)) {
        asked += 1;
        yield chunk;
      }
    } finally {
      ended = true;
    }
  }
  await assert.rejects(
    readBounded(source(), 2999, "test"),
    (error) => codeOf(error) === "content.too-large",
  );
  assert.equal(asked, 3);
  assert.equal(ended, true);
});
