import assert from "node:assert/strict";
import { test } from "node:test";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { type DigestAlgorithm, digestOf } from "../../src/core/digest.ts";
import type { ContentError } from "../../src/core/errors.ts";
import { type HashState, verified } from "../../src/stream/verify.ts";
import { randomBytesOf } from "../support/random.ts";
import { codeOf, collect, cut, scribbled } from "./bytes.ts";

const content = randomBytesOf(2, 10_000);

function described(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Descriptor {
  return { mediaType: "x", digest: digestOf(bytes, algorithm), size: bytes.byteLength };
}

test("verified() passes the right bytes on, however they are cut, with every algorithm", async () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    for (const size of [1, 3000, 9999, 10_000, 20_000]) {
      const bytes = verified(scribbled(content, size), described(content, algorithm));
      assert.deepEqual(await collect(bytes), content, `${algorithm} ${size}`);
    }
  }
  assert.equal((await collect(verified(cut(content, 1, 0, 0), described(content)))).length, 10_000);
});

test("verified() gives nothing for the empty blob, and no error", async () => {
  const empty = new Uint8Array(0);
  assert.equal((await collect(verified(cut(empty, 1), described(empty)))).byteLength, 0);
});

test("verified() holds back the last bytes of whatever is not the blob", async () => {
  const flipped = Buffer.from(content);
  flipped[5000] = (flipped[5000] ?? 0) ^ 1;
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["content.digest-mismatch", flipped],
    ["content.size-mismatch", content.subarray(0, 9999)],
    ["content.size-mismatch", new Uint8Array(0)],
    ["content.too-large", Buffer.concat([content, Buffer.from("x")])],
    ["content.too-large", Buffer.concat([content, content])],
  ];
  for (const [code, bytes] of rows) {
    for (const size of [1, 1000, 3333, 30_000]) {
      let seen = 0;
      const read = async () => {
        for await (const chunk of verified(cut(bytes, size), described(content))) {
          seen += chunk.byteLength;
        }
      };
      await assert.rejects(read(), (error) => {
        assert.equal(codeOf(error), code);
        const actual = code === "content.digest-mismatch" ? digestOf(bytes) : undefined;
        assert.equal((error as ContentError).actual, actual);
        return true;
      });
      assert.ok(seen < content.byteLength, `${code} ${size}: ${seen} bytes were let through`);
    }
  }
});

test("verified() asks why a whole blob is wrong, and tells that where it is known", async () => {
  const flipped = Buffer.from(content);
  flipped[9999] = (flipped[9999] ?? 0) ^ 1;
  const asked: string[] = [];
  const failures: unknown[] = [];
  const read = (bytes: Buffer, found: unknown) =>
    collect(
      verified(cut(bytes, 3000), described(content), {
        explain: () => Promise.resolve(asked.push(String(found))).then(() => found),
        onFailure: (error) => failures.push(error),
      }),
    );
  const reason = new Error("a file has changed");
  await assert.rejects(read(flipped, reason), reason);
  assert.deepEqual(failures, [reason]);
  await assert.rejects(read(flipped, undefined), (error) => {
    assert.equal(codeOf(error), "content.digest-mismatch");
    return true;
  });
  assert.deepEqual(await read(content, reason), content);
  assert.equal(asked.length, 2);
});

test("verified() is not fooled by empty chunks at the end", async () => {
  async function* source() {
    yield Buffer.alloc(content.byteLength);
    yield Buffer.alloc(0);
    yield Buffer.alloc(0);
  }
  const bytes = verified(source(), described(content));
  await assert.rejects(bytes.next(), (error) => codeOf(error) === "content.digest-mismatch");
});

test("verified() marks a short blob as worth another try, a wrong one not", async () => {
  const retryable = async (bytes: Uint8Array) => {
    try {
      await collect(verified(cut(bytes, 1000), described(content)));
    } catch (error) {
      return (error as { retryable?: boolean }).retryable;
    }
    return undefined;
  };
  assert.equal(await retryable(content.subarray(1)), true);
  assert.equal(await retryable(randomBytesOf(3, 10_000)), false);
});

test("verified() ends its source when the reader stops", async () => {
  let ended = false;
  async function* source() {
    try {
      yield* cut(content, 100);
    } finally {
      ended = true;
    }
  }
  for await (const _ of verified(source(), described(content))) break;
  assert.equal(ended, true);
});

test("verified() tells how far it is, and hands out states from which the rest can be verified", async () => {
  const large = Buffer.alloc(20 * 1024 * 1024, "abcdefg");
  const descriptor = described(large);
  const states: HashState[] = [];
  let progress = 0;
  const options = {
    onState: (state: HashState) => states.push(state),
    onProgress: (offset: number) => {
      assert.ok(offset > progress);
      progress = offset;
    },
  };
  for await (const _ of verified(cut(large, 1_000_000), descriptor, options)) {
    // only the states are wanted
  }
  assert.equal(progress, large.byteLength);
  assert.deepEqual(
    states.map(({ offset }) => offset),
    [9_000_000, 18_000_000],
  );
  for (const from of states) {
    for (let twice = 0; twice < 2; twice++) {
      const rest = verified(cut(large.subarray(from.offset), 700_000), descriptor, { from });
      assert.deepEqual(await collect(rest), large.subarray(from.offset));
    }
    const wrong = verified(cut(large.subarray(from.offset + 1), 700_000), descriptor, { from });
    await assert.rejects(collect(wrong), (error) => codeOf(error) === "content.size-mismatch");
  }
});
