import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { chunksInUse } from "../../src/stream/blob-stream.ts";
import { decompressed } from "../../src/stream/decompression.ts";
import { codeOf, collect, compressible, cut, failureOf, scribbled } from "./bytes.ts";
import { formatOf, packedFile, readable } from "./packed.ts";

const content = compressible(5, 3_000_000);
const packers = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync } as const;
const formats = ["gzip", "zstd"] as const;
const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

test("decompressed() gives back what was packed, however it is cut, from chunks that die early", async () => {
  for (const format of formats) {
    const packed = packers[format](content);
    for (const size of [1000, 65_536, 262_144, packed.byteLength]) {
      const bytes = await collect(decompressed(scribbled(packed, size), format));
      assert.ok(bytes.equals(content), `${format} ${size}`);
    }
  }
});

test("decompressed() leaves a piece alone for as long as a blob's raw bytes have to last", async () => {
  for (const format of formats) {
    const held: { readonly piece: Uint8Array; readonly copy: Buffer }[] = [];
    for await (const piece of decompressed(cut(packers[format](content), 65_536), format)) {
      held.push({ piece, copy: Buffer.from(piece) });
      for (const each of held.slice(-chunksInUse)) assert.ok(each.copy.equals(each.piece), format);
    }
    assert.ok(held.length > chunksInUse);
  }
});

test("decompressed() reads every member and frame, at whatever place they are cut", async () => {
  const parts = [content.subarray(0, 50), content.subarray(50, 51), content.subarray(51, 900)];
  for (const format of formats) {
    const packed = Buffer.concat(parts.map((part) => packers[format](part)));
    for (let at = 1; at < packed.byteLength; at += 7) {
      const bytes = await collect(decompressed(cut(packed, at, packed.byteLength), format));
      assert.ok(bytes.equals(content.subarray(0, 900)), `${format} ${at}`);
    }
    const byByte = await collect(decompressed(scribbled(packed, 1), format));
    assert.ok(byByte.equals(content.subarray(0, 900)), format);
  }
});

test("decompressed() passes over skippable frames, before, between and after", async () => {
  const frame = zlib.zstdCompressSync("abc");
  const packed = Buffer.concat([skippable, frame, skippable, skippable, frame, skippable]);
  for (const size of [1, 5, 11, 100]) {
    assert.equal(String(await collect(decompressed(cut(packed, size), "zstd"))), "abcabc");
  }
});

test("decompressed() reads a stream of thousands of members at speed", async () => {
  for (const format of formats) {
    const one = packers[format](content.subarray(0, 100));
    const packed = Buffer.concat(Array.from({ length: 20_000 }, () => one));
    const bytes = await collect(decompressed(cut(packed, 65_536), format));
    assert.equal(bytes.byteLength, 2_000_000, format);
  }
});

/** What stands behind the end of `ok` is refused, as Go's readers do, padding included. */
test("decompressed() refuses whatever follows the last member", async () => {
  for (const format of formats) {
    const ok = packers[format]("content");
    for (const tail of [
      Buffer.alloc(1),
      Buffer.alloc(600),
      Buffer.from("garbage"),
      ok.subarray(0, 4),
    ]) {
      const packed = Buffer.concat([ok, tail]);
      for (const size of [1, 7, ok.byteLength, ok.byteLength + 1, packed.byteLength]) {
        assert.equal(
          await failureOf(decompressed(cut(packed, size), format)),
          "content.bad-compression",
          `${format} + ${tail.toString("hex").slice(0, 20)} in chunks of ${size}`,
        );
      }
    }
  }
});

test("decompressed() refuses a stream cut short at any byte", async () => {
  for (const format of formats) {
    const packed = packers[format](content.subarray(0, 200));
    for (let length = 1; length < packed.byteLength; length++) {
      assert.equal(
        await failureOf(decompressed(cut(packed.subarray(0, length), 50), format)),
        "content.bad-compression",
        `${format} ${length}`,
      );
    }
  }
});

test("decompressed() never takes a flipped bit for the content", async () => {
  for (const format of formats) {
    const original = content.subarray(0, 300);
    const packed = packed1(format, original);
    for (let bit = 0; bit < packed.byteLength * 8; bit++) {
      const flipped = Buffer.from(packed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        // Flips in a header's unused fields do no harm; any other must not go unseen.
        assert.ok(
          (await collect(decompressed(cut(flipped, 100), format))).equals(original),
          `${bit}`,
        );
      } catch (error) {
        assert.equal(codeOf(error), "content.bad-compression", `${format} ${bit}`);
      }
    }
  }
});

function packed1(format: "gzip" | "zstd", bytes: Uint8Array): Buffer {
  if (format === "gzip") return zlib.gzipSync(bytes);
  return zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } });
}

test("decompressed() words failures as Go does", async () => {
  const gzip = zlib.gzipSync("content");
  const zstd = zlib.zstdCompressSync("content");
  const badSum = Buffer.from(gzip);
  badSum[gzip.byteLength - 6] = (badSum[gzip.byteLength - 6] ?? 0) ^ 1;
  const rows = [
    ["gzip", gzip.subarray(0, -3), "unexpected EOF"],
    ["gzip", Buffer.concat([gzip, Buffer.alloc(3)]), "gzip: invalid header"],
    ["gzip", Buffer.concat([gzip, Buffer.from("garbage")]), "gzip: invalid header"],
    ["gzip", badSum, "gzip: invalid checksum"],
    ["zstd", zstd.subarray(0, -3), "unexpected EOF"],
    ["zstd", Buffer.concat([zstd, Buffer.alloc(9)]), "invalid input: magic number mismatch"],
    ["zstd", Buffer.concat([zstd, Buffer.from("garbage")]), "invalid input: magic number mismatch"],
  ] as const;
  for (const [format, bytes, message] of rows) {
    await assert.rejects(collect(decompressed(cut(bytes, 1000), format)), { message });
  }
});

test("decompressed() stops a bomb early, and lets through what is merely well packed", async () => {
  const zeros = Buffer.alloc(40_000_000);
  const limits = { maxRatio: 1000, freeBytes: 1_000_000 };
  const gzip = await promisify(zlib.gzip)(zeros, { level: 9 });
  assert.ok(zeros.byteLength / gzip.byteLength > 1000);
  for (const [format, packed] of [
    ["gzip", gzip],
    ["zstd", zlib.zstdCompressSync(zeros)],
    ["bzip2", packedFile("zeros.bz2")],
  ] as const) {
    let made = 0;
    const read = async () => {
      for await (const piece of decompressed(cut(packed, 65_536), format, limits)) {
        made += piece.byteLength;
      }
    };
    await assert.rejects(read(), (error) => codeOf(error) === "content.bad-compression");
    assert.ok(made < 39_000_000, `${format}: ${made} bytes came out`);
    const free = { ...limits, freeBytes: zeros.byteLength };
    assert.equal(
      (await collect(decompressed(cut(packed, 65_536), format, free))).length,
      40_000_000,
    );
  }
  assert.equal((await collect(decompressed(cut(gzip, 1000), "gzip"))).length, 40_000_000);
});

test("decompressed() reads bzip2 and xz, from chunks that die early, and leaves its pieces alone", async () => {
  for (const [name, content] of readable) {
    const held: { readonly piece: Uint8Array; readonly copy: Buffer }[] = [];
    for await (const piece of decompressed(scribbled(packedFile(name), 1000), formatOf(name))) {
      held.push({ piece, copy: Buffer.from(piece) });
      for (const each of held.slice(-chunksInUse)) assert.ok(each.copy.equals(each.piece), name);
    }
    assert.ok(Buffer.concat(held.map(({ copy }) => copy)).equals(content), name);
  }
});

test("decompressed() lets other work go on while bzip2 and xz are decoded", async () => {
  for (const name of ["lines.bz2", "lines.xz"]) {
    let wasOn = false;
    const other = setImmediate(() => {
      wasOn = true;
    });
    const pieces = decompressed(cut(packedFile(name), 1_000_000), formatOf(name));
    await pieces.next();
    await pieces.next();
    assert.ok(wasOn, name);
    clearImmediate(other);
    await pieces.return();
  }
});

test("decompressed() throws the source's own failure untouched, and ends the source when its reader stops", async () => {
  const sources = [
    ["gzip", zlib.gzipSync(content)],
    ["bzip2", packedFile("lines.bz2")],
    ["xz", packedFile("lines.xz")],
  ] as const;
  const gone = new Error("connection lost");
  for (const [format, bytes] of sources) {
    let ended = 0;
    async function* failing(after: number) {
      let given = 0;
      try {
        for await (const chunk of cut(bytes, format === "gzip" ? 65_536 : 1000)) {
          if (given++ === after) throw gone;
          yield chunk;
        }
      } finally {
        ended += 1;
      }
    }
    for (const after of [0, 1, 2, 5]) {
      await assert.rejects(
        collect(decompressed(failing(after), format)),
        (error) => error === gone,
      );
    }
    for await (const _ of decompressed(failing(1000), format)) break;
    await turn();
    assert.equal(ended, 5, format);
  }
});
