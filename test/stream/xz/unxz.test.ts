import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder } from "../../../src/stream/decoder/decoder.ts";
import { Window } from "../../../src/stream/xz/window.ts";
import { randomBytesOf } from "../../support/random.ts";
import { plainBlock, plainChunks, type XzBlock, type XzFaults, xzStream } from "./xz-stream.ts";

const noise = randomBytesOf(3, 65_536);
const some = noise.subarray(0, 1001);

function decode(bytes: Uint8Array): Buffer {
  const decoder = new Decoder("xz");
  const pieces = [...decoder.write(bytes), ...decoder.end()].map((piece) => Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Copied piece by piece, as each lasts until the next only. */
function decodeInSteps(bytes: Uint8Array, step: number): Buffer {
  const decoder = new Decoder("xz");
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += step) {
    for (const each of decoder.write(bytes.subarray(at, at + step))) pieces.push(Buffer.from(each));
  }
  for (const each of decoder.end()) pieces.push(Buffer.from(each));
  return Buffer.concat(pieces);
}

test("unxz() reads plain chunks, larger than its window too, and blocks of every size", () => {
  const many = Array.from({ length: 5 }, (_, at) => [at === 0 || at === 3 ? 1 : 2, noise] as const);
  const blocks: XzBlock[] = [
    plainBlock(some),
    { lzma2: Buffer.of(0), plain: Buffer.alloc(0) },
    {
      lzma2: plainChunks(...many),
      plain: Buffer.concat(many.map(([, bytes]) => bytes)),
      window: 0,
    },
    { ...plainBlock(some), says: { packed: 1005, plain: 1001 }, window: 40 },
  ];
  const content = Buffer.concat(blocks.map(({ plain }) => plain));
  for (const step of [7, 4096, 1_000_000]) {
    assert.ok(decodeInSteps(xzStream(blocks), step).equals(content), `${step}`);
  }
});

test("unxz() reads streams, blocks and words of padding by the thousand", () => {
  const empty = xzStream([]);
  const stream = xzStream([plainBlock(some)]);
  const padding = Buffer.alloc(1_000_000);
  const streams = Array.from({ length: 1000 }, () => empty);
  assert.ok(decodeInSteps(Buffer.concat([...streams, padding, stream]), 65_536).equals(some));
  const blocks = Array.from({ length: 1000 }, () => plainBlock(some.subarray(0, 3)));
  assert.equal(decodeInSteps(xzStream(blocks), 65_536).byteLength, 3000);
});

/** The words of the Go tools' reader. */
test("unxz() refuses streams whose parts do not agree", () => {
  const block = plainBlock(some);
  const twice = (own: readonly [number, number][]) => [...own, ...own];
  const other = (own: readonly [number, number][]) =>
    own.map(([unpadded, plain]): [number, number] => [unpadded + 1, plain]);
  const rows: readonly (readonly [XzBlock, XzFaults, string])[] = [
    [{ ...block, lzma2: plainChunks([2, some]) }, {}, "lzma: unexpected chunk type"],
    [{ ...block, lzma2: plainChunks([3, some]) }, {}, "lzma: unsupported chunk header byte"],
    [{ ...block, lzma2: Buffer.of(0xe0, 0, 0, 0, 9, 225) }, {}, "lzma: invalid properties code"],
    [
      { ...block, lzma2: Buffer.of(0xe0, 0, 0, 0, 9, 8 + 9) },
      {},
      "lzma: sum of lc and lp exceeds 4",
    ],
    [{ ...block, lzma2: Buffer.of(0x80, 0, 0, 0, 9) }, {}, "lzma: unexpected chunk type"],
    [
      { ...block, lzma2: plainChunks([1, some]).fill(0xa0, 1004) },
      {},
      "lzma: unexpected chunk type",
    ],
    [{ ...block, window: 41 }, {}, "xz: wrong LZMA2 dictionary size property"],
    [{ ...block, plain: noise }, {}, "xz: checksum error for block"],
    [{ ...block, padding: Buffer.of(0, 0, 1) }, {}, "xz: non-zero block padding"],
    [{ ...block, says: { plain: 1000 } }, {}, "xz: wrong uncompressed size for block"],
    [{ ...block, says: { plain: 1002 } }, {}, "unexpected EOF"],
    [{ ...block, says: { packed: 1004 } }, {}, "xz: wrong compressed size for block"],
    [{ ...block, says: { packed: 2 ** 53 } }, {}, "xz: uvarint overflows 64-bit unsigned integer"],
    [block, { records: twice }, "xz: index length is 2; want 1"],
    [block, { records: other }, "xz: error in xz file index"],
    [block, { footerFlags: 1 }, "xz: footer flags incorrect"],
    [block, { footerSize: 7 }, "xz: index size in footer wrong"],
  ];
  for (const [one, faults, message] of rows) {
    const bytes = xzStream([one], faults);
    assert.throws(() => decode(bytes), { code: "content.bad-compression", message }, message);
  }
});

test("a window gives back what came, and tells what it never had from what it does not keep", () => {
  const window = new Window(65_536);
  window.begin(1 << 20);
  const taken: Buffer[] = [];
  for (let left = 300; left > 0; left--) {
    window.open(1000);
    for (const byte of [1, 2, 3]) if (!window.isFull) window.put(byte);
    taken.push(Buffer.from(window.take()));
    window.open(997);
    assert.ok(window.repeat(2, 600) >= 0);
    taken.push(Buffer.from(window.take()));
  }
  const all = Buffer.concat(taken);
  assert.ok(all.byteLength > 2 * 65_536);
  assert.ok(all.subarray(0, 603).equals(Buffer.alloc(603, Buffer.of(1, 2, 3))));
  window.open(10);
  assert.equal(window.back(65_535), all.at(-65_536));
  const hinted = { code: "content.bad-compression", hint: /smaller dictionary/ };
  assert.throws(() => window.repeat(65_536, 5), hinted);
  assert.throws(() => window.repeat(1 << 20, 5), { message: "writeMatch: distance out of range" });
  assert.throws(() => window.repeat(-1, 5), { message: "writeMatch: distance out of range" });
  window.reset();
  assert.throws(() => window.repeat(0, 5), { message: "writeMatch: distance out of range" });
});
