import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { createBlobPlaces } from "../../src/registry/blob-places.ts";

const { signal } = new AbortController();
const digest = (text: string | number) => digestOf(Buffer.from(String(text)));

test("createBlobPlaces() forgets what was heard of longest ago", () => {
  const places = createBlobPlaces();
  places.placed(digest("early"), "a");
  places.placed(digest("used"), "a");
  for (let n = 0; n < 19_999; n++) {
    places.placed(digest(n), "b");
    if (n === 10_000) places.placed(digest("used"), "c");
  }
  assert.deepEqual(places.find(digest("early"), signal), []);
  assert.deepEqual(places.find(digest("used"), signal), ["c", "a"]);
});

test("createBlobPlaces() forgets who turned out not to hold a blob", () => {
  const places = createBlobPlaces();
  for (const name of ["a", "b"]) places.placed(digest("blob"), name);
  places.gone(digest("blob"), "b");
  assert.deepEqual(places.find(digest("blob"), signal), ["a"]);
  places.gone(digest("blob"), "a");
  assert.deepEqual(places.find(digest("blob"), signal), []);
});
