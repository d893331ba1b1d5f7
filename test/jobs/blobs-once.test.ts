import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransfers } from "../../src/copy/transfers.ts";
import type { Coordinator } from "../../src/sync/coordinator.ts";
import { hostOptions } from "../../src/sync/host-options.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import { skipWithout } from "../support/peers.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { meetAtRedis } from "./coordinators.ts";

const options = { skip: skipWithout("redis-server"), timeout: 120_000 };
const tags = 24;
const shared = makeImage({ seed: 900, type: "oci", layers: 3, layerBytes: 50_000 });

/** `tags` images with the same layers and a config of their own. */
function seed(registry: Registry): void {
  for (let n = 0; n < tags; n++) {
    const own = makeImage({ seed: n + 1, type: "oci", layers: 0 });
    const manifest = JSON.parse(Buffer.from(own.bytes).toString());
    manifest.layers = shared.layers;
    registry.seed("app", `v${n}`, {
      blobs: new Map([...shared.blobs, ...own.blobs]),
      manifests: [{ mediaType: own.mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }],
    });
  }
}

/** Mirrors every fourth image, as one of four workers, to the repositories by turns. */
async function work(
  worker: number,
  coordinator: Coordinator,
  ends: { source: Registry; destination: Registry; repositories: readonly string[] },
): Promise<number> {
  await using engine = new Engine({ hostOptions: (domain) => hostOptions(coordinator, domain) });
  const list = Array.from({ length: tags }, (_, n) => n).filter((n) => n % 4 === worker);
  const to = ends.repositories[worker % ends.repositories.length] ?? "";
  const rule = mirrorRule(
    `docker://${ends.source.host}/app`,
    `docker://${ends.destination.host}/${to}`,
  );
  const tagRules = { ...rule.tags, list: list.map((n) => `v${n}`) };
  const { summary } = await mirrorWith(engine, [{ ...rule, tags: tagRules }], {
    coordinator,
    transfers: createTransfers(4, coordinator),
    parallel: 4,
  });
  return summary.copied;
}

for (const repositories of [["one"], ["a", "b", "c", "d"]]) {
  test(
    `four workers send each blob once to a registry: ${repositories.length} repositories`,
    options,
    async () => {
      await using meeting = await meetAtRedis({});
      await using source = await startRegistry();
      await using destination = await startRegistry();
      seed(source);
      const ends = { source, destination, repositories };
      const works = [0, 1, 2, 3].map((worker) => work(worker, meeting.join(), ends));
      const copied = (await Promise.all(works)).reduce((sum, each) => sum + each, 0);
      assert.equal(copied, tags);
      const layers = new Set<string>(shared.layers.map(({ digest }) => digest));
      const sent = destination.log
        .of("PUT upload")
        .map(({ operation }) => operation.url.searchParams.get("digest") ?? "");
      const sentLayers = sent.filter((digest) => layers.has(digest));
      assert.deepEqual(sentLayers.toSorted(), [...layers].toSorted());
      assert.equal(
        source.log.of("GET blob").filter(({ operation }) => layers.has(operation.reference)).length,
        layers.size,
      );
      for (const name of repositories) {
        for (const digest of layers) assert.ok(destination.store.open(name).blobs.has(digest));
      }
    },
  );
}
