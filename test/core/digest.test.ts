import assert from "node:assert/strict";
import { test } from "node:test";
import {
  algorithmOf,
  digestOf,
  formatDigest,
  hasherFor,
  hexOf,
  isDigest,
  parseDigest,
} from "../../src/core/digest.ts";

const good = ["sha256", "sha384", "sha512"].map(
  (algorithm, index) => `${algorithm}:${"0af".repeat(100).slice(0, [64, 96, 128][index])}`,
);

test("parseDigest() takes the registered algorithms with their exact length", () => {
  for (const text of good) {
    const digest = parseDigest(text);
    assert.equal(digest, text);
    assert.ok(isDigest(text));
    assert.equal(`${algorithmOf(digest)}:${hexOf(digest)}`, text);
  }
});

const a64 = "a".repeat(64);
const refused: readonly (readonly [text: string, message: string])[] = [
  ["", "invalid checksum digest format"],
  [a64, "invalid checksum digest format"],
  [":", "invalid checksum digest format"],
  [`:${a64}`, "invalid checksum digest format"],
  ["sha256:", "invalid checksum digest format"],
  [`sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
  [`sha256:${"g".repeat(64)}`, "invalid checksum digest format"],
  [`sha256:${"/".repeat(64)}`, "invalid checksum digest format"],
  [`sha256:${a64.slice(1)}\n`, "invalid checksum digest format"],
  [`SHA256:${a64}`, "invalid checksum digest format"],
  [`../x:${a64}`, "invalid checksum digest format"],
  ["sha256:aa", "invalid checksum digest length"],
  [`sha256:${a64}a`, "invalid checksum digest length"],
  [`sha512:${a64}`, "invalid checksum digest length"],
  [`md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
  [`sha256+b64:${a64}`, "unsupported digest algorithm"],
  [`constructor:${a64}`, "unsupported digest algorithm"],
  ["__proto__:a", "invalid checksum digest format"],
];

for (const [text, message] of refused) {
  test(`parseDigest() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseDigest(text), { code: "content.bad-digest", message });
    assert.equal(isDigest(text), false);
  });
}

test("digestOf() and a hasher agree", () => {
  const bytes = Buffer.from("amphora");
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const digest = digestOf(bytes, algorithm);
    assert.equal(parseDigest(digest), digest);
    assert.equal(formatDigest(digest, hasherFor(digest).update(bytes)), digest);
  }
  assert.equal(digestOf(Buffer.alloc(0)).slice(0, 19), "sha256:e3b0c44298fc");
});
