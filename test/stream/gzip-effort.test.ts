import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLevel, sampledEntropy } from "../../src/stream/gzip-effort.ts";
import { randomBytesOf } from "../support/random.ts";

test("sampledEntropy() tells bits a byte, of nothing too", () => {
  assert.equal(sampledEntropy(new Uint8Array()), 0);
  assert.equal(sampledEntropy(Buffer.alloc(100_000, "a")), 0);
  assert.ok(Math.abs(sampledEntropy(Buffer.alloc(100_000, "ab")) - 1) < 0.01);
  assert.ok(sampledEntropy(randomBytesOf(3, 512 * 1024)) > 7.9);
});

test("defaultLevel() takes its time where there is something to be found", () => {
  assert.equal(defaultLevel(Buffer.alloc(512 * 1024, "The quick brown fox jumps over. ")), 4);
  assert.equal(defaultLevel(Buffer.alloc(10)), 4);
  assert.equal(defaultLevel(randomBytesOf(4, 512 * 1024)), 3);
});
