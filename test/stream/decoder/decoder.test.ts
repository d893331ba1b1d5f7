import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecodedFormat, Decoder } from "../../../src/stream/decoder/decoder.ts";
import { codeOf } from "../bytes.ts";
import { formatOf, layer, packedFile, readable } from "../packed.ts";

/** Each piece of input is written over as soon as it was taken. */
function decode(format: DecodedFormat, bytes: Uint8Array, step = bytes.byteLength): Buffer {
  const decoder = new Decoder(format);
  const pieces: Buffer[] = [];
  const piece = new Uint8Array(step);
  for (let at = 0; at < bytes.byteLength; at += step) {
    const part = bytes.subarray(at, at + step);
    piece.set(part);
    for (const each of decoder.write(piece.subarray(0, part.byteLength))) {
      piece.fill(0xee);
      pieces.push(Buffer.from(each));
    }
  }
  for (const each of decoder.end()) pieces.push(Buffer.from(each));
  return Buffer.concat(pieces);
}

const messageOf = (format: DecodedFormat, bytes: Uint8Array, step?: number): string => {
  try {
    decode(format, bytes, step);
    return "";
  } catch (error) {
    assert.equal(codeOf(error), "content.bad-compression");
    return error instanceof Error ? error.message : "";
  }
};

const flipped = (bytes: Buffer, at: number, bits = 0x10): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
};

test("Decoder reads what other tools pack, however it is cut", () => {
  for (const [name, content] of readable) {
    const bytes = packedFile(name);
    for (const step of [undefined, 997, 65_536, ...(bytes.byteLength < 3000 ? [1] : [])]) {
      assert.ok(decode(formatOf(name), bytes, step).equals(content), `${name} ${step}`);
    }
  }
});

test("Decoder reads thousands of bzip2 streams at speed", () => {
  const empty = Buffer.from("425a683917724538509000000000", "hex");
  const streams = Array.from({ length: 5000 }, () => empty);
  const bytes = Buffer.concat([...streams, packedFile("layer.bz2")]);
  assert.ok(decode("bzip2", bytes, 65_536).equals(layer));
});

test("Decoder refuses content cut short at any byte, and never takes nothing for content", () => {
  for (const name of ["layer.bz2", "layer.xz", "layer-sha256.xz"]) {
    const bytes = packedFile(name);
    for (let length = 0; length < bytes.byteLength; length += length < 40 ? 1 : 127) {
      const message = messageOf(formatOf(name), bytes.subarray(0, length));
      assert.equal(message, "unexpected EOF", `${name} ${length}`);
    }
    for (let left = 1; left < 40; left++) {
      const message = messageOf(formatOf(name), bytes.subarray(0, -left), 100);
      assert.equal(message, "unexpected EOF", `${name} -${left}`);
    }
  }
});

test("Decoder never takes a flipped bit for the content", () => {
  for (const name of ["layer.bz2", "layer.xz", "layer-crc32.xz"]) {
    const bytes = packedFile(name);
    for (let at = 0; at < bytes.byteLength; at += 1 + (at % 37)) {
      const broken = flipped(bytes, at, 1 << (at % 8));
      if (messageOf(formatOf(name), broken) !== "") continue;
      // bzip2's size of blocks may be another that is large enough.
      assert.ok(decode(formatOf(name), broken).equals(layer), `${name} ${at}`);
    }
  }
});

/** Rows are what skopeo 1.22 says of the same bytes. */
test("Decoder words failures as the Go tools do", () => {
  const [bzip2, xz] = [packedFile("layer.bz2"), packedFile("layer.xz")];
  const rows: readonly (readonly [DecodedFormat, Buffer, string])[] = [
    ["bzip2", flipped(bzip2, 3), "bzip2 data invalid: invalid compression level"],
    ["bzip2", flipped(bzip2, 4), "bzip2 data invalid: bad magic value found"],
    ["bzip2", flipped(bzip2, 10), "bzip2 data invalid: block checksum mismatch"],
    ["bzip2", flipped(bzip2, bzip2.length - 3), "bzip2 data invalid: file checksum mismatch"],
    ["bzip2", flipped(bzip2, 14, 0x40), "bzip2 data invalid: origPtr out of bounds"],
    [
      "bzip2",
      Buffer.concat([bzip2, Buffer.alloc(4)]),
      "bzip2 data invalid: bad magic value in continuation file",
    ],
    ["bzip2", Buffer.concat([bzip2, Buffer.from("B")]), "unexpected EOF"],
    ["bzip2", Buffer.concat([bzip2, Buffer.from("BZ")]), "unexpected EOF"],
    ["xz", flipped(xz, 7), "xz: invalid checksum for file header"],
    ["xz", flipped(xz, 13), "xz: checksum error for block header"],
    ["xz", flipped(xz, 30), "newRangeDecoder: first byte not zero"],
    ["xz", flipped(xz, 100), "writeMatch: distance out of range"],
    ["xz", flipped(xz, xz.length - 30), "xz: checksum error for block"],
    ["xz", flipped(xz, xz.length - 20), "xz: wrong checksum for index"],
    ["xz", flipped(xz, xz.length - 12), "xz: footer checksum error"],
    ["xz", flipped(xz, xz.length - 2), "xz: footer magic invalid"],
    ["xz", packedFile("layer-x86.xz"), "xz: unsupported filter count"],
    ["xz", Buffer.concat([xz, Buffer.alloc(3)]), "unexpected EOF"],
    ["xz", Buffer.concat([xz, Buffer.alloc(3), xz]), "xz: invalid header magic bytes"],
    ["xz", Buffer.concat([xz, Buffer.from("garbage garbage")]), "xz: invalid header magic bytes"],
  ];
  for (const [format, bytes, message] of rows) {
    for (const step of [undefined, 1]) assert.equal(messageOf(format, bytes, step), message);
  }
});
