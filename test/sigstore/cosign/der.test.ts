import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkInteger,
  DerError,
  DerReader,
  type DerValue,
  derTags,
  parseBoolean,
  parseOctetBits,
  parseOid,
  parseSmallInteger,
  parseTime,
  readDer,
} from "../../../sigstore/cosign/der.ts";
import { der, integer, oid, sequence } from "../../support/der.ts";

const hex = (text: string) => Buffer.from(text, "hex");

test("values are read one after another, and inside one another", () => {
  const reader = readDer(sequence(integer(5), oid("1.2.840.113549")), derTags.sequence);
  assert.equal(parseSmallInteger(reader.read(derTags.integer).content), 5);
  assert.equal(reader.readIf(derTags.boolean), undefined);
  assert.equal(parseOid(reader.read(derTags.oid).content), "1.2.840.113549");
  assert.equal(reader.atEnd, true);
  reader.end();
});

test("a value of any length is read by its shortest length only", () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const value = der(0x04, Buffer.alloc(length));
    assert.equal(new DerReader(value).read().content.length, length);
  }
  const wrong = [
    "",
    "04",
    "0401",
    "048000",
    "0480aa0000",
    "04810100",
    "0482000100",
    "048500000000010",
  ];
  for (const text of [...wrong, "0484ffffffff", "1f0100", "04817f"]) {
    assert.throws(() => new DerReader(hex(text)).read(), DerError, text);
  }
  assert.throws(() => new DerReader(hex(`0480${"00".repeat(128)}`)).read(), DerError);
  assert.throws(() => readDer(hex("300000"), derTags.sequence), DerError);
  assert.throws(() => readDer(hex("3100"), derTags.sequence), DerError);
});

test("object identifiers of every top arc are read, and no malformed one", () => {
  for (const id of ["0.9.2342", "1.3.6.1.4.1.57264.1.8", "2.5.29.17", "2.999.1"]) {
    assert.equal(parseOid(new DerReader(oid(id)).read().content), id);
  }
  for (const text of ["", "80", "2a80", "2a8001", "ff".repeat(65)]) {
    assert.throws(() => parseOid(hex(text)), DerError, text);
  }
});

test("object identifiers are read to the last bit, and up to 64 bytes", () => {
  const texts: Readonly<Record<string, string>> = {
    "00": "0.0",
    "27": "0.39",
    "28": "1.0",
    "4f": "1.39",
    "50": "2.0",
    "2a818001": "1.2.16385",
    "2aff7f00": "1.2.16383.0",
  };
  for (const [bytes, id] of Object.entries(texts)) assert.equal(parseOid(hex(bytes)), id);
  assert.equal(parseOid(hex("2b".padEnd(128, "01"))).split(".").length, 65);
  for (const text of ["2b".padEnd(130, "01"), "8001", "2a81", "2a018001"]) {
    assert.throws(() => parseOid(hex(text)), DerError, text);
  }
});

test("integers are as short as they can be, and small ones up to six bytes", () => {
  for (const text of ["00", "7f", "80", "ff", "0080", "ff7f", "fe80", "0100"]) {
    checkInteger(hex(text));
  }
  for (const text of ["", "0000", "007f", "ff80", "ffff"]) {
    assert.throws(() => checkInteger(hex(text)), DerError, text);
  }
  assert.equal(parseSmallInteger(hex("0102")), 258);
  assert.equal(parseSmallInteger(hex("7fffffffffff")), 2 ** 47 - 1);
});

test("integers, booleans and bits have one way to be written", () => {
  assert.equal(parseSmallInteger(hex("00ff")), 255);
  for (const text of ["", "0001", "ff80", "80", "ff", "7fffffffffffff"]) {
    assert.throws(() => parseSmallInteger(hex(text)), DerError, text);
  }
  assert.deepEqual([parseBoolean(hex("ff")), parseBoolean(hex("00"))], [true, false]);
  for (const text of ["", "01", "ffff"]) assert.throws(() => parseBoolean(hex(text)), DerError);
  assert.deepEqual(parseOctetBits(hex("00ab")), hex("ab"));
  for (const text of ["", "01aa"]) assert.throws(() => parseOctetBits(hex(text)), DerError);
});

test("times are read in RFC 5280's form only", () => {
  const timeOf = (tag: number, text: string) =>
    parseTime(new DerReader(der(tag, Buffer.from(text))).read()).toISOString();
  assert.equal(timeOf(0x17, "491231235959Z"), "2049-12-31T23:59:59.000Z");
  assert.equal(timeOf(0x17, "500101000000Z"), "1950-01-01T00:00:00.000Z");
  assert.equal(timeOf(0x18, "20500101000000Z"), "2050-01-01T00:00:00.000Z");
  assert.equal(timeOf(0x18, "20240229120000Z"), "2024-02-29T12:00:00.000Z");
  const wrong: readonly (readonly [number, string])[] = [
    [0x17, "4912312359Z"],
    [0x17, "491231235959+0000"],
    [0x17, "491331235959Z"],
    [0x17, "490230235959Z"],
    [0x17, "490101240000Z"],
    [0x18, "20230229120000Z"],
    [0x18, "20500101000000.5Z"],
    [0x18, "500101000000Z"],
    [0x0c, "20500101000000Z"],
  ];
  for (const [tag, text] of wrong) assert.throws(() => timeOf(tag, text), DerError, text);
  const value: DerValue = { tag: 0x17, content: hex("80"), raw: hex("170180") };
  assert.throws(() => parseTime(value), DerError);
});
