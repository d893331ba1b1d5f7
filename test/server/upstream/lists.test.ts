import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { referrersTag } from "../../../src/registry/referrers-tag.ts";
import { makeArtifact, makeImage } from "../../support/images.ts";
import { refuse } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { repositoryOf, startUpstreams, type TestUpstreams, testCall } from "./support.ts";

const image = makeImage();

async function allTags({ upstreams }: TestUpstreams, limit: number): Promise<string[] | undefined> {
  const names: string[] = [];
  for (let last: string | undefined; ; last = names.at(-1)) {
    const page = { limit, ...(last !== undefined && { last }) };
    const read = await upstreams.listTags(repositoryOf(), page, testCall());
    if (!read) return undefined;
    assert.ok(read.names.length <= limit);
    names.push(...read.names);
    if (!read.more) return names;
  }
}

test("tags are paged through with one request to the upstream a page of its own", async () => {
  await using registry = await startRegistry({ features: { pageLimit: 50 } });
  const tags = Array.from({ length: 120 }, (_, index) => `v${index}`);
  for (const tag of tags) registry.seed("app", tag, image);
  await using world = await startUpstreams(registry.origin);
  assert.deepEqual(await allTags(world, 7), [...tags].sort());
  assert.equal(registry.log.of("GET tags").length, 3);
  world.pass(61_000);
  registry.behave({ times: 100, fault: refuse(500) });
  await assert.rejects(allTags(world, 1000), { status: 503 });
});

test("a repository that is not there has no list", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin);
  assert.equal(await allTags(world, 10), undefined);
});

test("tags that are only held here are listed in an outage", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", image);
  await using world = await startUpstreams(registry.origin);
  const reference = { type: "tag", tag: "v1" } as const;
  await world.upstreams.readManifest(repositoryOf(), reference, testCall());
  registry.behave({ times: 100, fault: refuse(500) });
  assert.deepEqual(await allTags(world, 10), ["v1"]);
});

/** What a client without the API leaves behind. */
function listOf(descriptor: object) {
  const mediaType = mediaTypes.ociIndex;
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: [descriptor] }),
  );
  return { blobs: new Map(), manifests: [{ mediaType, bytes, digest: digestOf(bytes) }] };
}

for (const hasApi of [true, false]) {
  test(`referrers come ${hasApi ? "by the API" : "by the fallback tag"}, once a minute, and outlast an outage`, async () => {
    const signature = makeArtifact("application/x.sig", Buffer.from("sig"), image.descriptor);
    await using registry = await startRegistry({ features: { referrers: hasApi } });
    registry.seed("app", "v1", image);
    registry.seed("app", undefined, signature);
    if (!hasApi) registry.seed("app", referrersTag(image.digest), listOf(signature.descriptor));
    await using world = await startUpstreams(registry.origin);
    const read = () => world.upstreams.listReferrers(repositoryOf(), image.digest, testCall());
    const digests = async () => (await read()).map(({ digest }) => digest);
    assert.deepEqual(await digests(), [signature.digest]);
    const asked = registry.log.entries.length;
    await digests();
    assert.equal(registry.log.entries.length, asked);
    world.pass(61_000);
    registry.behave({ times: 100, fault: refuse(429, { retryAfter: 3600 }) });
    assert.deepEqual(await digests(), [signature.digest]);
  });
}

test("where referrers cannot be asked for, that is no empty list", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", image);
  await using world = await startUpstreams(registry.origin);
  registry.behave({ times: 100, fault: refuse(503) });
  await assert.rejects(world.upstreams.listReferrers(repositoryOf(), image.digest, testCall()), {
    status: 503,
  });
});

test("one failure of the referrers API does not make it one that is not there", async () => {
  const signature = makeArtifact("application/x.sig", Buffer.from("sig"), image.descriptor);
  await using registry = await startRegistry();
  registry.seed("app", "v1", image);
  registry.seed("app", undefined, signature);
  await using world = await startUpstreams(registry.origin);
  const read = (path = "app") =>
    world.upstreams.listReferrers(repositoryOf(path), image.digest, testCall());
  const fault = registry.behave({ on: "GET referrers", times: 100, fault: refuse(503) });
  await assert.rejects(read(), { status: 503 });
  fault.stop();
  const [found] = await read();
  assert.equal(found?.digest, signature.digest);
});
