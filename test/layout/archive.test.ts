import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Archive } from "../../src/layout/archive.ts";
import { holdInMemory } from "../../src/layout/memory-file.ts";
import { PackedArchive } from "../../src/layout/packed-archive.ts";
import { PlainArchive } from "../../src/layout/plain-archive.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { type RandomAccess, readFully } from "../../src/stream/random-access.ts";
import { readArchiveIndex } from "../../src/stream/tar/archive-index.ts";
import { tarWith } from "../support/archives.ts";
import { everyStep, InjectedFault } from "../support/faults.ts";
import { memoryFile } from "../support/memory-sink.ts";
import { randomBytesOf } from "../support/random.ts";

const { signal } = new AbortController();
const contents = new Map([
  ["first", randomBytesOf(1, 5_000_000)],
  ["small", Buffer.from("small")],
  ["second", randomBytesOf(2, 4_500_000)],
  ["third", randomBytesOf(3, 6_000_000)],
]);
const tar = tarWith(...[...contents].map(([name, bytes]) => ({ name, bytes })));

type Open = (file: RandomAccess, close: () => Promise<void>) => Promise<Archive>;

const kinds: Readonly<Record<string, readonly [Buffer, Open]>> = {
  plain: [
    tar,
    async (file, close) => new PlainArchive(file, await readArchiveIndex(file, { signal }), close),
  ],
  gzip: [
    gzipSync(tar, { level: 1 }),
    (file, close) => PackedArchive.open(file, "gzip", close, { signal }),
  ],
  zstd: [
    zstdCompressSync(tar),
    (file, close) => PackedArchive.open(file, "zstd", close, { signal }),
  ],
};

async function read(archive: Archive, name: string, from = 0): Promise<Buffer> {
  const file = await archive.find(name, { signal });
  assert.ok(file, name);
  return Buffer.from(await readBounded(file.open(from), file.size, name));
}

for (const [kind, [bytes, open]] of Object.entries(kinds)) {
  test(`files of a ${kind} archive are had in any order, from any offset`, async () => {
    let closed = 0;
    {
      await using archive = await open(memoryFile(bytes), async () => void closed++);
      for (const name of ["third", "first", "second", "small", "first", "third"]) {
        for (const from of [0, 3]) {
          const expected = contents.get(name)?.subarray(from);
          assert.ok(expected?.equals(await read(archive, name, from)), `${name} from ${from}`);
        }
      }
      assert.equal(await archive.find("none", { signal }), undefined);
      assert.equal(await archive.readSmall("none", 9, { signal }), undefined);
      assert.equal(String(await archive.readSmall("small", 9, { signal })), "small");
      const large = await archive.readSmall("third", 7_000_000, { signal });
      assert.ok(contents.get("third")?.equals(large ?? Buffer.alloc(0)));
      await assert.rejects(archive.readSmall("first", 9, { signal }), {
        code: "content.too-large",
      });
    }
    assert.equal(closed, 1);
  });

  test(`any reading of a ${kind} archive may fail: that is told, and the next goes well`, async () => {
    const sample = kind === "plain" ? 1 : 5;
    await everyStep(
      async (nth) => {
        let reads = 0;
        const file: RandomAccess = {
          size: bytes.byteLength,
          async read(into, position) {
            if (reads++ === nth) throw new InjectedFault("read");
            return bytes.copy(into, 0, position);
          },
        };
        try {
          await using archive = await open(file, async () => {});
          const first = await read(archive, "first").catch((error) => error);
          const second = await read(archive, "second").catch((error) => error);
          if (Buffer.isBuffer(first) && Buffer.isBuffer(second)) return "through";
          const failed = [first, second].filter((each) => !Buffer.isBuffer(each));
          assert.ok(failed.length === 1 && failed[0] instanceof InjectedFault);
          assert.ok(contents.get("first")?.equals(await read(archive, "first")));
        } catch (error) {
          if (!(error instanceof InjectedFault)) throw error;
        }
        return "failed";
      },
      { sample },
    );
  });
}

test("a packed archive that is read in its order is unpacked once more, and no more", async () => {
  const [bytes, open] = kinds["gzip"] ?? [];
  assert.ok(bytes && open);
  let read_ = 0;
  const file: RandomAccess = {
    size: bytes.byteLength,
    async read(into, position) {
      const count = bytes.copy(into, 0, position);
      read_ += count;
      return count;
    },
  };
  await using archive = await open(file, async () => {});
  for (const name of archive.order) await read(archive, name);
  assert.deepEqual([...archive.order], ["small", "first", "second", "third"]);
  assert.ok(read_ < 2.2 * bytes.byteLength, `${read_} of ${bytes.byteLength}`);
});

test("holdInMemory() holds what comes, up to its limit", async () => {
  const content = randomBytesOf(9, 2_500_000);
  const options = { maxBytes: content.byteLength, what: "it", hint: "" };
  const pieces = async function* () {
    for (let at = 0; at < content.byteLength; at += 77_777) {
      yield content.subarray(at, at + 77_777);
    }
  };
  const file = await holdInMemory(pieces(), options);
  assert.equal(file.size, content.byteLength);
  for (const [position, length] of [
    [0, content.byteLength],
    [1_048_575, 3],
    [2_499_999, 100],
    [2_500_000, 1],
  ] as const) {
    const got = await readFully(file, Buffer.alloc(length), position);
    assert.ok(content.subarray(position, position + length).equals(got));
  }
  const tooLong = holdInMemory(pieces(), { ...options, maxBytes: content.byteLength - 1 });
  await assert.rejects(tooLong, { code: "layout.unsupported" });
});
