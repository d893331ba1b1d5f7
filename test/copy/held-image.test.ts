import assert from "node:assert/strict";
import { test } from "node:test";
import type { CopyEvent } from "../../src/copy/events.ts";
import { tellHeld } from "../../src/copy/held-image.ts";
import { digestOf } from "../../src/core/digest.ts";
import { makeImage } from "../support/images.ts";

test("tellHeld() names a blob once, and every layer that it is", () => {
  const image = makeImage({ layers: 2 });
  const manifest = JSON.parse(Buffer.from(image.bytes).toString());
  const [first, second] = manifest.layers;
  manifest.layers = [first, second, first];
  const bytes = Buffer.from(JSON.stringify(manifest));
  const events: CopyEvent[] = [];
  tellHeld({ bytes, mediaType: image.mediaType, digest: digestOf(bytes) }, (event) =>
    events.push(event),
  );
  assert.deepEqual(events[0], {
    type: "blobs-planned",
    blobs: [
      { digest: first.digest, size: first.size, positions: [0, 2] },
      { digest: second.digest, size: second.size, positions: [1] },
    ],
  });
  assert.equal(events.filter(({ type }) => type === "blob-adopted").length, 2);
});
