import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePem, encodePem, pemText } from "../../../sigstore/cosign/pem.ts";

const block = (type: string, body: string) =>
  `-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`;

test("bytes of any length come back from PEM", () => {
  for (const length of [0, 1, 47, 48, 49, 96, 1000]) {
    const bytes = Buffer.alloc(length, 7);
    const found = decodePem(encodePem("A KEY", bytes));
    assert.deepEqual(found, { type: "A KEY", hasHeaders: false, bytes, rest: "" });
  }
});

test("the first block that is one is read, and what is behind it given back", () => {
  const text = `before\n${block("BAD", "?")}${block("GOOD", "QUJD")}after\n`;
  const found = decodePem(text);
  assert.equal(found?.type, "GOOD");
  assert.equal(found?.bytes.toString(), "ABC");
  assert.equal(found?.rest, "after\n");
});

test("headers are passed over, white space in the body counts for nothing", () => {
  const found = decodePem(block("X", "A: b\nC: d:e\n\n QU \t\r\nJD "));
  assert.deepEqual([found?.hasHeaders, found?.bytes.toString()], [true, "ABC"]);
});

test("what is no block is none", () => {
  const wrong = [
    "",
    "-----BEGIN X-----",
    "-----BEGIN X-----\nQUJD",
    " -----BEGIN X-----\nQUJD\n-----END X-----",
    "-----BEGIN X----\nQUJD\n-----END X-----",
    "-----BEGIN X-----\nQUJD\n-----END Y-----",
    "-----BEGIN X-----\nQUJD\n-----END X-----trailing",
    "-----BEGIN X-----\nQUJD\n-----END X-----x",
    "-----BEGIN Xabcde\nQUJD\n-----END X-----",
    `${"\n".repeat(40)}-----BEGIN X-----\nQUJDx`,
    block("X", "QUJD\nA: b"),
    ...Array.from({ length: 14 }, (_, at) => `${"x".repeat(at)}X-----\nQUJD\n-----END X-----\n`),
    "-----BEGIN X-----\nQUJ\n-----END X-----",
    "-----BEGIN X-----\nQ_JD\n-----END X-----",
    `-----BEGIN X-----\nQUJD\n${block("X", "QUJD").slice(0, -9)}`,
    "-----BEGIN X-----\nQUJDä===\n-----END X-----",
  ];
  for (const text of wrong) assert.equal(decodePem(text), undefined, text);
  assert.equal(decodePem(pemText(Buffer.from([0xff, 0xfe]))), undefined);
});

test("a block may begin behind an empty line, have no empty line behind its headers, and white space at its end", () => {
  for (const text of [
    `\n${block("X", "QUJD")}`,
    block("X", "A: b\nQUJD"),
    "-----BEGIN X----- \t\r\nQUJD\n-----END X----- \t\r\n",
    "-----BEGIN X-----\nQUJD\n-----END X-----  ",
  ]) {
    const found = decodePem(text);
    assert.deepEqual([found?.type, found?.bytes.toString(), found?.rest], ["X", "ABC", ""], text);
  }
});

test("a hundred starts of no block are enough", () => {
  const after = (count: number) => decodePem("-----BEGIN X\n".repeat(count) + block("X", "QUJD"));
  assert.equal(after(99)?.bytes.toString(), "ABC");
  assert.equal(after(100), undefined);
});
