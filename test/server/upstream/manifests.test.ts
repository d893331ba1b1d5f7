import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpstreamSettings } from "../../../src/server/upstream/settings.ts";
import { makeImage, makeIndex } from "../../support/images.ts";
import {
  cutResponse,
  type Fault,
  flipByte,
  hang,
  refuse,
  reset,
  setHeaders,
} from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { undisturbed } from "../../support/undisturbed.ts";
import {
  byDigest,
  byTag,
  readBlob,
  repositoryOf,
  startUpstreams,
  type TestUpstreams,
  testCall,
} from "./support.ts";

const image = makeImage({ layers: 2, layerBytes: 50_000 });
const newer = makeImage({ seed: 2, layers: 1 });

async function holding(): Promise<Registry> {
  const registry = await startRegistry();
  registry.seed("app", "v1", image);
  return registry;
}

function readTag({ upstreams }: TestUpstreams, tag = "v1") {
  return upstreams.readManifest(repositoryOf(), byTag(tag), testCall());
}

test("an image is fetched once, and then served without its upstream", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  for (let count = 0; count < 3; count++) {
    const held = await readTag(world);
    assert.equal(held?.digest, image.digest);
    assert.deepEqual(Buffer.from(held.bytes), Buffer.from(image.bytes));
    assert.equal(held.stale, undefined);
    await upstreams.readManifest(repositoryOf(), byDigest(image.digest), testCall());
    for (const { digest, size } of image.layers) {
      assert.deepEqual(await upstreams.statBlob(repositoryOf(), digest, testCall()), { size });
      assert.ok(
        (await readBlob(upstreams, digest))?.equals(image.blobs.get(digest) ?? Buffer.of()),
      );
    }
  }
  assert.deepEqual(registry.log.counts(), { "GET blob": 2, "GET manifest": 1 });
});

test("fifty who ask for one tag cost one request", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const all = await Promise.all(Array.from({ length: 50 }, () => readTag(world)));
  assert.ok(all.every((held) => held?.digest === image.digest));
  assert.deepEqual(registry.log.counts(), { "GET manifest": 1 });
});

test("one who leaves does not take the others' answer along", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const gone = new AbortController();
  const first = world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall(gone.signal));
  const second = readTag(world);
  gone.abort();
  await assert.rejects(first, { name: "AbortError" });
  assert.equal((await second)?.digest, image.digest);
});

test("a tag that is no longer fresh is looked after by HEAD, and fetched where it has moved", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  await readTag(world);
  world.pass(40_000);
  await readTag(world);
  assert.deepEqual(registry.log.counts(), { "GET manifest": 1 });
  world.pass(21_000);
  assert.equal((await readTag(world))?.digest, image.digest);
  assert.deepEqual(registry.log.counts(), { "GET manifest": 1, "HEAD manifest": 1 });
  registry.seed("app", "v1", newer);
  world.pass(61_000);
  assert.equal((await readTag(world))?.digest, newer.digest);
  assert.deepEqual(registry.log.counts(), { "GET manifest": 2, "HEAD manifest": 2 });
  registry.seed("app", "v1", image);
  world.pass(61_000);
  assert.equal((await readTag(world))?.digest, image.digest, "moved back to what is held");
  assert.deepEqual(registry.log.counts(), { "GET manifest": 2, "HEAD manifest": 3 });
  assert.equal((await readTag(world))?.digest, image.digest);
  assert.equal(registry.log.entries.length, 5);
});

const outages: readonly (readonly [string, Fault])[] = [
  ["429", refuse(429)],
  ["429 for an hour", refuse(429, { retryAfter: 3600 })],
  ["500", refuse(500)],
  ["503", refuse(503)],
  ["reset", reset()],
  ["no answer", hang()],
  [
    "answers of another",
    setHeaders({ "docker-content-digest": undefined, "content-type": "text/html" }),
  ],
];
for (const [what, fault] of outages) {
  test(`${what}: a tag that was held is served stale, and the upstream left in peace`, async () => {
    const answerWithin = what === "no answer" ? 700 : 60_000;
    await undisturbed(300, async () => {
      await using registry = await holding();
      await using world = await startUpstreams(registry.origin, { answerWithin });
      await readTag(world);
      world.pass(100_000);
      registry.behave({
        times: 1000,
        fault: what === "answers of another" ? broken(fault) : fault,
      });
      const held = await readTag(world);
      assert.equal(held?.digest, image.digest);
      assert.ok((held.stale?.ageSeconds ?? 0) >= 100);
      assert.match(held.stale?.warning ?? "", /^stale: upstream hub\.example /);
      const asked = registry.log.entries.length;
      assert.ok((await readTag(world))?.stale);
      if (what !== "answers of another") assert.equal(registry.log.entries.length, asked);
      registry.behaveWell();
      world.pass(70_000);
      assert.equal((await readTag(world))?.stale, undefined);
    });
  });
}

/** A page of HTML where a manifest should be. */
function broken(fault: Fault): Fault {
  return {
    reply: async (reply, exchange) => ({
      ...((await fault.reply?.(reply, exchange)) ?? reply),
      body: Buffer.from("<html>"),
      headers: { "content-type": "text/html", "content-length": "6" },
    }),
  };
}

test("without a copy an outage is told", async () => {
  await using registry = await holding();
  const rows = [
    [refuse(429, { retryAfter: 3600 }), 429],
    [refuse(500), 503],
    [refuse(403, { code: "DENIED" }), 403],
    [refuse(401, { code: "UNAUTHORIZED" }), 403],
    [flipByte(10), 502],
  ] as const;
  for (const [fault, status] of rows) {
    await using world = await startUpstreams(registry.origin);
    registry.behave({ on: "GET manifest", times: 50, fault });
    await assert.rejects(readTag(world), { status });
    registry.behaveWell();
    assert.equal((await readTag(world))?.digest, image.digest);
  }
});

const policies: readonly (readonly [UpstreamSettings["missing"], string])[] = [
  ["pass", "absent, kept"],
  ["remove", "absent, gone"],
  ["serve-stale", "stale, kept"],
];
for (const [missing, expected] of policies) {
  test(`a tag that is gone upstream is ${expected}, with "${missing}"`, async () => {
    await using registry = await holding();
    await using world = await startUpstreams(registry.origin, { missing });
    await readTag(world);
    registry.store.open("app").tags.delete("v1");
    world.pass(61_000);
    for (let count = 0; count < 3; count++) {
      const held = await readTag(world);
      assert.equal(held ? "stale" : "absent", expected.split(", ")[0]);
      assert.equal(held !== undefined, held?.stale !== undefined);
    }
    assert.equal(registry.log.of("HEAD manifest").length, 1);
    const kept = world.store.cache.readTag(repositoryOf(), "v1");
    assert.equal(kept ? "kept" : "gone", expected.split(", ")[1]);
  });
}

test("what is not there is not asked for again for half a minute", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  for (const tag of ["v2", "v2", "v3", "v2"]) assert.equal(await readTag(world, tag), undefined);
  assert.equal(registry.log.of("GET manifest").length, 2);
  registry.seed("app", "v2", newer);
  world.pass(31_000);
  assert.equal((await readTag(world, "v2"))?.digest, newer.digest);
});

test("an upstream that lies about digests is believed nothing", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  registry.behave({
    on: "GET manifest",
    fault: setHeaders({ "docker-content-digest": newer.digest }),
  });
  await assert.rejects(readTag(world), { status: 502 });
  registry.behave({ on: "GET manifest", fault: flipByte(20) });
  const asked = upstreams.readManifest(repositoryOf(), byDigest(image.digest), testCall());
  await assert.rejects(asked, { status: 502 });
  assert.equal(world.store.cache.readTag(repositoryOf(), "v1"), undefined);
  const kept = await world.store.readManifest(repositoryOf(), byDigest(image.digest), testCall());
  assert.equal(kept, undefined);
  registry.behave({ on: "GET manifest", fault: cutResponse(40) });
  assert.equal((await readTag(world))?.digest, image.digest, "one that breaks off is read again");
});

test("an index is served byte for byte, and instances fetched for the platforms named", async () => {
  const arm = makeImage({ seed: 12, platform: { os: "linux", architecture: "arm64" } });
  const index = makeIndex([
    makeImage({ seed: 11, platform: { os: "linux", architecture: "amd64" } }),
    arm,
  ]);
  await using registry = await startRegistry();
  registry.seed("app", "v1", index);
  await using world = await startUpstreams(registry.origin, {
    platformsToPrefetch: ["linux/arm64", "windows/amd64"],
  });
  const held = await readTag(world);
  assert.deepEqual(Buffer.from(held?.bytes ?? []), Buffer.from(index.bytes));
  await world.upstreams.prefetched;
  for (const digest of arm.blobs.keys()) {
    const blob = digest as typeof arm.digest;
    assert.ok(await world.store.statBlob(repositoryOf(), blob, testCall()), digest);
  }
  assert.equal(registry.log.of("GET manifest").length, 2);
});

test("proxies that have each other as their upstream come to an end", async () => {
  await using registry = await holding();
  await using world = await startUpstreams(registry.origin);
  const call = (hops: number) => ({ ...testCall(), hops });
  const read = (hops: number) =>
    world.upstreams.readManifest(repositoryOf(), byTag("v1"), call(hops));
  await assert.rejects(read(5), { status: 508 });
  assert.equal(registry.log.entries.length, 0);
  assert.equal((await read(4))?.digest, image.digest);
  assert.equal(registry.log.entries[0]?.headers["oci-proxy-hops"], "5");
});
