import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../../support/images.ts";
import { startRegistry } from "../../support/registry.ts";
import { byDigest, byTag, readBlob, repositoryOf, startUpstreams, testCall } from "./support.ts";

const image = makeImage({ layers: 2, layerBytes: 300_000 });

test("an image is fetched once, and then served without its upstream", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", image);
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  for (let count = 0; count < 3; count++) {
    const held = await upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
    assert.equal(held?.digest, image.digest);
    assert.deepEqual(Buffer.from(held.bytes), Buffer.from(image.bytes));
    assert.equal(held.stale, undefined);
    await upstreams.readManifest(repositoryOf(), byDigest(image.digest), testCall());
    for (const { digest, size } of image.layers) {
      assert.deepEqual(await upstreams.statBlob(repositoryOf(), digest, testCall()), { size });
      assert.deepEqual(
        await readBlob(upstreams, digest),
        Buffer.from(image.blobs.get(digest) ?? []),
      );
    }
  }
  assert.deepEqual(registry.log.counts(), { "GET blob": 2, "GET manifest": 1 });
});
