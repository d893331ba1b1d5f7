import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { handLayer } from "../support/hand-layer.ts";
import { putHandImage, putLayers, tempStore, storeTest as test } from "../support/temp-store.ts";

const base = { "etc/name": "base" };
const foo = "docker.io/library/foo:latest";

/** What a later library may write: numbers that no double holds among it. */
const unknown = '"x-unknown":{"size":9223372036854775807,"list":[1.50,null]}';

test("every operation keeps what it does not know, in every record", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  const files = ["overlay-layers/layers.json", "overlay-images/images.json"].map((name) =>
    temp.in(name),
  );
  const stray = `{${unknown},"id":"stray","created":"2024-01-01T00:00:00.000000001Z","flags":{"f":1e2}}`;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    writeFileSync(file, `[${stray},${text.slice(1, -2)},${unknown}}]`);
  }
  const isKept = (what: string) => {
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      assert.ok(text.startsWith(`[${stray},`), `${what} changed a record of ${file}`);
      assert.equal(text.split(unknown).length, 3, `${what} lost a member in ${file}`);
    }
  };
  const other = await putHandImage(store, [base, { second: "2" }], ["localhost/other:1"]);
  isKept("putting an image");
  await store.putImage({ ...image, metadata: '{"x":1}', names: ["localhost/more:1"] });
  isKept("putting an image again");
  await store.addNames(image.id, ["localhost/more:2"]);
  isKept("naming");
  await store.removeNames(image.id, ["localhost/more:2", foo]);
  isKept("taking names away");
  await putLayers(store, [handLayer({ third: "3" })]);
  isKept("committing a layer");
  await store.deleteImage(other.id);
  isKept("removing an image");
});
