import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, inflateRawSync } from "node:zlib";
import { loadEncoder } from "../../../src/stream/deflate/load-encoder.ts";
import { randomBytesOf } from "../../support/random.ts";
import { compressible } from "../bytes.ts";

const encoder = loadEncoder();
const inside = new Uint8Array(encoder.memory.buffer);
const mostBytes = 512 * 1024;
const dictionaryBytes = 32 * 1024;

function packed(content: Uint8Array, dictionary: Uint8Array = Buffer.alloc(0)): Buffer {
  const at = encoder.contentAt();
  inside.set(dictionary, at - dictionary.byteLength);
  inside.set(content, at);
  const length = encoder.deflate(dictionary.byteLength, content.byteLength);
  return Buffer.from(inside.subarray(encoder.packedAt(), encoder.packedAt() + length));
}

/** With zlib's inflater, which refuses codes that are not complete. */
function checked(content: Uint8Array, dictionary?: Buffer, what = ""): Buffer {
  const bytes = packed(content, dictionary);
  const unpacked = inflateRawSync(bytes, {
    ...(dictionary && dictionary.byteLength > 0 && { dictionary }),
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  assert.ok(unpacked.equals(content), what);
  assert.ok(bytes.byteLength <= content.byteLength * 1.001 + 64, `${what}: ${bytes.byteLength}`);
  return bytes;
}

test("the encoder packs any number of bytes", () => {
  const content = compressible(3, mostBytes);
  const noise = randomBytesOf(4, mostBytes);
  const lengths = [...Array(40).keys(), 257, 258, 259, 65_535, 65_536, 65_537, 131_072];
  for (const length of [...lengths, 131_073, mostBytes - 1, mostBytes]) {
    checked(content.subarray(0, length), undefined, `content ${length}`);
    checked(noise.subarray(0, length), undefined, `noise ${length}`);
    checked(Buffer.alloc(length, "x"), undefined, `run ${length}`);
  }
});

test("the encoder refers back as far as deflate allows, and no further", () => {
  const piece = randomBytesOf(5, 600);
  for (const distance of [1, 2, 3, 4, 5, 8, 599, 32_767, 32_768, 32_769, 40_000]) {
    const gap = randomBytesOf(6, Math.max(0, distance - piece.byteLength));
    const first = distance < piece.byteLength ? piece.subarray(0, distance) : piece;
    const content = Buffer.concat([first, gap, piece]);
    const { byteLength } = checked(content, undefined, `${distance}`);
    const found = byteLength < content.byteLength - 500;
    if (distance >= 599) assert.equal(found, distance <= dictionaryBytes, `${distance}`);
  }
});

test("the encoder uses what comes before the content, of any length", () => {
  const words = randomBytesOf(7, dictionaryBytes);
  for (const length of [0, 1, 7, 8, 9, 100, 32_767, dictionaryBytes]) {
    const dictionary = words.subarray(words.byteLength - length);
    const content = Buffer.concat([dictionary, randomBytesOf(8, 50)]);
    const { byteLength } = checked(content, dictionary, `${length}`);
    if (length >= 100) assert.ok(byteLength < 100 + length / 50, `${length}: ${byteLength}`);
  }
});

test("the encoder gives the same bytes whatever it packed before", () => {
  const content = compressible(9, 200_000);
  const before = compressible(10, dictionaryBytes);
  const expected = packed(content, before);
  checked(compressible(11, mostBytes), before);
  assert.ok(packed(content, before).equals(expected));
  // Its positions begin again once in some thousand calls.
  for (let n = 0; n < 3700; n++) packed(before.subarray(0, 64));
  assert.ok(packed(content, before).equals(expected));
});

/** Symbols that are as rare as Fibonacci's numbers make the longest codes that there can be. */
test("the encoder keeps its codes as short as deflate demands", () => {
  const bytes: number[] = [];
  for (let symbol = 0, rare = 1, next = 1; bytes.length + rare < mostBytes; symbol++) {
    for (let n = 0; n < rare; n++) bytes.push(symbol * 3);
    [rare, next] = [next, rare + next];
  }
  const order = randomBytesOf(12, 4 * bytes.length);
  for (let i = bytes.length - 1; i > 0; i--) {
    const other = order.readUInt32LE(4 * i) % (i + 1);
    [bytes[i], bytes[other]] = [bytes[other] as number, bytes[i] as number];
  }
  checked(Uint8Array.from(bytes));
});

/** Pieces of many kinds, in any order: text, noise, runs, tables, what was there before, long and short. */
function mixture(seed: number): Buffer {
  const dice = randomBytesOf(seed, 4096);
  const parts: Buffer[] = [];
  let size = 0;
  const most =
    1 + ((dice.readUInt32LE(4000) >>> 3) % (dice.readUInt8(4010) < 200 ? 60_000 : mostBytes));
  for (let at = 0; size < most && at < 3990; at += 10) {
    const length = 1 + (dice.readUInt16LE(at + 1) >> (dice.readUInt8(at + 3) % 14));
    const part = partOf(dice.readUInt8(at) % 7, seed + at, length, Buffer.concat(parts.slice(-3)));
    parts.push(part);
    size += part.byteLength;
  }
  return Buffer.concat(parts).subarray(0, mostBytes);
}

function partOf(kind: number, seed: number, length: number, before: Buffer): Buffer {
  const noise = randomBytesOf(seed, length);
  switch (kind) {
    case 0:
      return noise;
    case 1:
      return Buffer.alloc(length, noise.subarray(0, 1));
    case 2:
      return Buffer.alloc(length, noise.subarray(0, 1 + (seed % 300)));
    case 3:
      return noise.map((byte) => 97 + (byte & 7)) as Buffer;
    case 4:
      return noise.map((byte, i) => (i % 16 < 12 ? i >> 4 : byte)) as Buffer;
    case 5:
      return compressible(seed, length + 1);
    default:
      return before.subarray(seed % Math.max(1, before.byteLength));
  }
}

test("the encoder packs whatever it is given", () => {
  const count = process.env["AMPHORA_SOAK"] === "1" ? 20_000 : 300;
  for (let seed = 1; seed <= count; seed++) {
    const content = mixture(seed);
    const dictionary = mixture(seed + 1_000_000).subarray(
      0,
      seed % 3 === 0 ? dictionaryBytes : seed % 200,
    );
    checked(content, dictionary, `seed ${seed}`);
  }
});
