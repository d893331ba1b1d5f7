import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import {
  detectCompression,
  magicBytes,
  parseWritableFormat,
} from "../../src/stream/compression-format.ts";
import { codeOf } from "./bytes.ts";

const skippable = (nibble: number) => Uint8Array.of(0x50 + nibble, 0x2a, 0x4d, 0x18, 0, 0);

test("detectCompression() goes by the first bytes", () => {
  const rows: readonly (readonly [Uint8Array, string | undefined])[] = [
    [zlib.gzipSync("x"), "gzip"],
    [zlib.zstdCompressSync("x"), "zstd"],
    [skippable(0), "zstd"],
    [skippable(15), "zstd"],
    [Uint8Array.of(0x60, 0x2a, 0x4d, 0x18), undefined],
    [Buffer.from("BZh91AY&SY"), "bzip2"],
    [Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00), "xz"],
    [Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a), undefined], // cut short
    [Uint8Array.of(0x1f, 0x8b), undefined], // two bytes are no gzip, in skopeo either
    [Uint8Array.of(0x1f, 0x8b, 0x07), undefined], // a method that never was
    [zlib.deflateSync("x"), undefined],
    [Buffer.from("etc/passwd\0\0\0"), undefined],
    [new Uint8Array(512), undefined],
    [new Uint8Array(0), undefined],
  ];
  for (const [head, format] of rows) {
    assert.equal(detectCompression(head.subarray(0, magicBytes)), format);
  }
});

test("parseWritableFormat() takes what can be written, and refuses the rest in skopeo's words", () => {
  assert.equal(parseWritableFormat("gzip"), "gzip");
  assert.equal(parseWritableFormat("zstd"), "zstd");
  const rows: readonly (readonly [string, string])[] = [
    ["xz", 'cannot find compressor for "xz"'],
    ["", 'cannot find compressor for ""'],
    ["GZIP", 'cannot find compressor for "GZIP"'],
    ["Xz", "compression using Xz required, but none of the known manifest formats support it"],
    [
      "bzip2",
      "compression using bzip2 required, but none of the known manifest formats support it",
    ],
  ];
  for (const [name, message] of rows) {
    assert.throws(
      () => parseWritableFormat(name),
      (error: Error) => codeOf(error) === "copy.unsupported" && error.message === message,
      name,
    );
  }
});
