import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../../src/core/digest.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { makeArtifact, makeImage, makeMultiArch } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { pushBlob, pushImage, pushManifests } from "./pushing.ts";
import { byDigest, byTag, readBlob, repositoryOf, startUpstreams, testCall } from "./support.ts";

const skip = skipWithout("docker-registry");
const app = repositoryOf("team/app");

test("docker-registry: what one server pushes through another pulls through", {
  skip,
}, async () => {
  await using registry = await startDockerRegistry();
  await using one = await startUpstreams(registry.origin, { push: "write-through", deletes: true });
  await using other = await startUpstreams(registry.origin);
  const image = makeImage({ layers: 2, layerBytes: 300_000 });
  const multi = makeMultiArch({ seed: 5 });
  await pushImage(one.upstreams, app, image, { tag: "one", way: "pieces" });
  await pushImage(one.upstreams, app, multi, { tag: "many" });
  for (const [tag, { digest, bytes }] of [
    ["one", image],
    ["many", multi],
  ] as const) {
    const held = await other.upstreams.readManifest(app, byTag(tag), testCall());
    assert.equal(held?.digest, digest);
    assert.ok(Buffer.from(held.bytes).equals(bytes));
  }
  for (const [digest, bytes] of [...image.blobs, ...multi.blobs]) {
    const read = await readBlob(other.upstreams, digest as Digest, undefined, app);
    assert.ok(read?.equals(bytes), digest);
  }
  const tags = await other.upstreams.listTags(app, { limit: 10 }, testCall());
  assert.deepEqual(tags?.names, ["many", "one"]);
  assert.equal(await other.upstreams.readManifest(app, byTag("none"), testCall()), undefined);
  const nowhere = repositoryOf("team/nowhere");
  assert.equal(await other.upstreams.listTags(nowhere, { limit: 10 }, testCall()), undefined);
  assert.equal(await one.upstreams.deleteManifest(app, byDigest(image.digest), testCall()), true);
  other.pass(61_000);
  assert.equal(await other.upstreams.readManifest(app, byTag("one"), testCall()), undefined);
});

test("docker-registry: mounts, referrers by tag, and pushes that wait", { skip }, async () => {
  await using registry = await startDockerRegistry();
  await using world = await startUpstreams(registry.origin, { push: "write-through" });
  const { upstreams } = world;
  const image = makeImage({ seed: 8, layers: 1 });
  await pushImage(upstreams, app, image);
  const fork = repositoryOf("team/fork");
  for (const name of image.blobs.keys()) {
    const start = { type: "mount", digest: name as Digest, from: app } as const;
    assert.equal((await upstreams.beginUpload(fork, start, testCall())).type, "mounted");
  }
  await pushManifests(upstreams, fork, image);
  const signature = makeArtifact("application/x.sig", Buffer.from("sig"), image.descriptor);
  await pushImage(upstreams, app, signature, { tag: "sig" });
  await using later = await startUpstreams(registry.origin, { push: "write-back" });
  const listed = await later.upstreams.listReferrers(app, image.digest, testCall());
  assert.deepEqual(
    listed.map(({ digest }) => digest),
    [signature.digest],
  );
  await pushImage(later.upstreams, repositoryOf("team/late"), image, { way: "pieces" });
  for (let turn = 0; turn < 3000 && later.upstreams.waitingPushes().length > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const held = await upstreams.readManifest(repositoryOf("team/late"), byTag("v1"), testCall());
  assert.equal(held?.digest, image.digest);
  const empty = { bytes: Buffer.alloc(0), digest: emptyDigest };
  await pushBlob(upstreams, app, empty);
  assert.equal((await readBlob(later.upstreams, emptyDigest, undefined, app))?.byteLength, 0);
});

const emptyDigest =
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" as Digest;
