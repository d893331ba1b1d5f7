import assert from "node:assert/strict";
import { test } from "node:test";
import { imageRecords } from "../../src/storage/image-record.ts";
import { layerRecords } from "../../src/storage/layer-record.ts";
import { formatRows } from "../../src/storage/record-type.ts";

const created = "2024-05-06T07:08:09.123456789+02:00";

function layers(text: string) {
  return layerRecords.parse(Buffer.from(text), "layers.json");
}

test("records that nobody changed are written as they were, numbers to the digit", () => {
  const text = `[{"id":"a","created":"${created}","x-unknown":{"n":9223372036854775807,"f":1.50e3},"diff-size":9007199254740993},{"z":null,"id":"b","created":"${created}"}]`;
  assert.equal(formatRows(layers(text)), text);
});

test("a change keeps the order, what is unknown, and every other number", () => {
  const [row] = layers(
    `[{"x":1e400,"id":"a","created":"${created}","diff-size":9007199254740993,"compression":2,"y":[1, 2]}]`,
  );
  assert.ok(row);
  const changed = layerRecords.change(row, { "diff-digest": "sha256:00", compression: 0n });
  assert.equal(
    formatRows([changed]),
    `[{"x":1e400,"id":"a","created":"${created}","diff-size":9007199254740993,"y":[1, 2],"diff-digest":"sha256:00"}]`,
  );
});

test("a member is replaced where it stood, however its name's case and however often it came", () => {
  const [row] = layers(`[{"ID":"a","Parent":"p","created":"${created}","parent":"q"}]`);
  assert.ok(row);
  assert.equal(row.values.parent, "q");
  const changed = layerRecords.change(row, { parent: "r" });
  assert.equal(formatRows([changed]), `[{"ID":"a","parent":"r","created":"${created}"}]`);
});

test("maps keep sizes that a double cannot hold", () => {
  const [row] = imageRecords.parse(
    Buffer.from(`[{"id":"a","created":"${created}","big-data-sizes":{"k":9223372036854775807}}]`),
    "images.json",
  );
  assert.ok(row);
  const sizes = new Map(row.values["big-data-sizes"]).set("l", 1n);
  const changed = imageRecords.change(row, { "big-data-sizes": sizes });
  assert.match(formatRows([changed]), /\{"k":9223372036854775807,"l":1\}/);
});

test("what is empty is left out of new records", () => {
  const row = layerRecords.create({ id: "a", parent: "", created, uidset: [], flags: null });
  assert.equal(formatRows([row]), `[{"id":"a","created":"${created}"}]`);
});

for (const [text, count] of [
  ["", 0],
  ["[]", 0],
  ["null", 0],
  ["[]\n", 0],
] as const) {
  test(`a database of ${JSON.stringify(text)} has ${count} records`, () => {
    assert.equal(layers(text).length, count);
  });
}

for (const [what, text] of [
  ["no JSON", "[{]"],
  ["something behind the array", "[]x"],
  ["an object", "{}"],
  ["a record that is a text", '["a"]'],
  ["a time that Go does not read", '[{"id":"a","created":"yesterday"}]'],
  ["a time without a zone", '[{"id":"a","created":"2024-01-01T00:00:00"}]'],
  ["a time that is a number", '[{"id":"a","created":5}]'],
  ["a size with a fraction", '[{"id":"a","diff-size":1.5}]'],
  ["a size with an exponent", '[{"id":"a","diff-size":1e3}]'],
  ["a size beyond 64 bits", '[{"id":"a","diff-size":9223372036854775808}]'],
  ["an ID that is a number", '[{"id":1}]'],
] as const) {
  test(`a database with ${what} is refused, as the Go library refuses it`, () => {
    assert.throws(() => layers(text), { code: "storage.invalid" });
  });
}
