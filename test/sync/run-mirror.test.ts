import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorRule, mirrorWith, outcomes } from "../support/mirror.ts";
import { type Registry, startRegistry } from "../support/registry.ts";

/** `count` images tagged v0, v1, … that share two layers and have one of their own. */
function seed(registry: Registry, repository: string, count: number): void {
  const shared = makeImage({ seed: 9000, layers: 2, type: "oci" });
  for (let n = 0; n < count; n++) {
    const own = makeImage({ seed: n + 1, layers: 1, type: "oci" });
    const manifest = JSON.parse(Buffer.from(own.bytes).toString());
    manifest.layers = [...shared.layers, ...own.layers];
    registry.seed(repository, `v${n}`, {
      blobs: new Map([...shared.blobs, ...own.blobs]),
      manifests: [{ mediaType: own.mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }],
    });
  }
}

test("runMirror() copies every tag, and sends two requests a tag where there is nothing to do", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  seed(source, "made", 200);
  const rules = [mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`)];
  {
    await using engine = new Engine();
    const { summary, events } = await mirrorWith(engine, rules);
    assert.equal(summary.copied, 200);
    assert.deepEqual(new Set(outcomes(events).values()), new Set(["copied"]));
  }
  assert.deepEqual(destination.store.open("there").tags, source.store.open("made").tags);
  source.log.clear();
  destination.log.clear();
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, rules);
  assert.equal(summary.unchanged, 200);
  assert.deepEqual(
    { source: source.log.counts(), destination: destination.log.counts() },
    { source: { "GET tags": 1, "HEAD manifest": 200 }, destination: { "HEAD manifest": 200 } },
  );
});
