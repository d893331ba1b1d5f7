import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { type JsonNode, parseJsonText } from "../../src/core/json-text.ts";
import { readExactMembers, readMembers, visitMembers } from "../../src/core/strict-members.ts";
import { readByteLists, readBytes, readString, readStrings } from "../../src/core/strict-values.ts";

const parse = (text: string): JsonNode => parseJsonText(text, { maxDepth: 20 });
const any = (node: JsonNode) => node;

test("readMembers() takes the members it knows, each once, and no other", () => {
  const readers = { a: readString, b: readStrings };
  assert.deepEqual(readMembers(parse('{"b":["x"]}'), readers), { b: ["x"] });
  assert.deepEqual(readMembers(parse('{"a":null,"b":null}'), readers), { a: "", b: undefined });
  for (const [text, message] of [
    ['{"a":"x","a":"y"}', 'Duplicate key "a"'],
    ['{"a":"x","\\u0061":"y"}', 'Duplicate key "a"'],
    ['{"A":"x"}', 'Unknown key "A"'],
    ['{"__proto__":"x"}', 'Unknown key "__proto__"'],
    ['{"toString":"x"}', 'Unknown key "toString"'],
    ['{"c\\u0000\\"":1}', 'Unknown key "c\\x00\\""'],
    ['{"c":1,"a":2}', 'Unknown key "c"'],
    ['{"a":2,"c":1}', "json: cannot unmarshal number into Go value of type string"],
    ["[]", "JSON object expected, got 91"],
    ["null", "JSON object expected, got <nil>"],
    ["true", "JSON object expected, got true"],
    ['"x"', 'JSON object expected, got "x"'],
    ["1234567", "JSON object expected, got 1.234567e+06"],
    ["-0", "JSON object expected, got -0"],
    ["0.0", "JSON object expected, got 0"],
    ["0.00001", "JSON object expected, got 1e-05"],
    ["1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"],
  ] as const) {
    assert.throws(
      () => readMembers(parse(text), readers),
      { code: "content.bad-json", message },
      text,
    );
  }
});

test("readExactMembers() misses what is not there", () => {
  assert.deepEqual(readExactMembers(parse('{"b":1,"a":"x"}'), { a: readString, b: () => 7 }), {
    a: "x",
    b: 7,
  });
  assert.throws(() => readExactMembers(parse("{}"), { type: any }), {
    message: 'Key "type" missing in a JSON object',
  });
});

test("visitMembers() goes in the order of the text and looks no deeper", () => {
  const seen: string[] = [];
  visitMembers(parse('{"b":{"x":1,"x":2},"a":1}'), (name) => seen.push(name) > 0);
  assert.deepEqual(seen, ["b", "a"]);
});

test("readBytes() and its like take what Go takes", () => {
  const bytes = (text: string) => [...(readBytes(parse(text)) ?? [])];
  assert.deepEqual(bytes('"aGk="'), [104, 105]);
  assert.deepEqual(bytes("[0,255,null]"), [0, 255, 0]);
  assert.equal(readBytes(null), undefined);
  assert.deepEqual(
    readByteLists(parse('["", null, "aGk="]'))?.map(({ length }) => length),
    [0, 0, 2],
  );
  assert.equal(readByteLists(null), undefined);
  for (const [text, message] of [
    ["[256]", "json: cannot unmarshal number 256 into Go value of type uint8"],
    ["[true]", "json: cannot unmarshal bool into Go value of type uint8"],
    ["{}", "json: cannot unmarshal object into Go value of type []uint8"],
    ["1", "json: cannot unmarshal number into Go value of type []uint8"],
  ] as const) {
    assert.throws(() => readBytes(parse(text)), { message }, text);
  }
  assert.throws(() => readStrings(parse('"x"')), {
    message: "json: cannot unmarshal string into Go value of type []string",
  });
  assert.throws(() => readString(parse("[]")), {
    message: "json: cannot unmarshal array into Go value of type string",
  });
});

// The offsets are those of skopeo 1.22, recorded in test/fixtures/policy.
const faults: readonly (readonly [text: string, offset: number])[] = [
  ["aGk", 0],
  ["aGk==", 4],
  ["aG k=", 2],
  ["a", 0],
  ["aGkKa", 4],
  ["a===", 1],
  ["=", 0],
  ["aG=k", 2],
  ["aG==x", 4],
  ["aG=", 3],
  ["aG=\n", 4],
  ["aGk=\nx", 5],
  ["a-_=", 1],
  ["é", 0],
  ["aGkKé", 4],
];

test("decodeGoBase64() ignores line ends, wants padding, and says where it stopped", () => {
  for (const text of ["aGk=", "aG\nk=", "a\r\nGk=\n", "\naG\rk\n=\r"]) {
    assert.equal(Buffer.from(decodeGoBase64(text)).toString(), "hi", JSON.stringify(text));
  }
  assert.equal(decodeGoBase64("").length, 0);
  assert.equal(decodeGoBase64("\n").length, 0);
  for (const [text, offset] of faults) {
    const message = `illegal base64 data at input byte ${offset}`;
    assert.throws(
      () => decodeGoBase64(text),
      { code: "content.bad-base64", message },
      JSON.stringify(text),
    );
  }
});
