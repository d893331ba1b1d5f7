import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { RawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import {
  aCall,
  accept,
  admissionWorld,
  configOf,
  image,
  index,
  layerOf,
  people,
  repositoryOf,
  signedBy,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann };
const byAnn = { [repo]: [signedBy("ann.pub")] };
const strict = { repositories: ["**"], strictBlobs: true };
const exact = { [repo]: [signedBy("ann.pub", "matchExact")] };

test("config and layers leave once their image was admitted, and no more when it would not be", async () => {
  await using world = await admissionWorld({ scopes: [strict] }, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  assert.equal(
    (await world.blob(repo, layerOf("one")))?.allowed,
    false,
    "nobody has asked for the image",
  );
  await world.byTag(repo, "v1", one);
  assert.equal((await world.blob(repo, layerOf("one")))?.allowed, true);
  assert.equal((await world.blob(repo, configOf("one")))?.allowed, true);
  world.signatures.clear(repo, one.digest);
  const refused = await world.blob(repo, layerOf("one"));
  assert.ok(refused && !refused.allowed);
  assert.equal(refused.reason, "policy: A signature was required, but no signature exists");
});

test("what was admitted is known after a restart, and judged anew under the tag it was asked for by", async () => {
  await using world = await admissionWorld({ scopes: [strict] }, exact, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  await world.byTag(repo, "v1", one);
  const after = world.second();
  const blob = () => after.admitBlob(repositoryOf(repo), layerOf("one"), aCall());
  assert.equal((await blob())?.allowed, true);
  await world.writePolicy({});
  world.admission.reload();
  assert.equal((await blob())?.allowed, false);
});

test("instances of an index that was let go unjudged have their blobs when they are admitted", async () => {
  const lazy = { ...strict, instances: "lazy" };
  await using world = await admissionWorld({ scopes: [lazy] }, byAnn, keys);
  const [good, bad] = [image("good"), image("bad")];
  world.signatures.put(repo, good.digest, folk.sign("ann", `${repo}:v1`, good.digest));
  await world.byTag(repo, "v1", index([good, bad]));
  assert.equal((await world.blob(repo, layerOf("good")))?.allowed, false);
  await world.byDigest(repo, good);
  await world.byDigest(repo, bad);
  assert.equal((await world.blob(repo, layerOf("good")))?.allowed, true);
  assert.equal((await world.blob(repo, layerOf("bad")))?.allowed, false);
});

test("instances that were judged for a tag have their blobs, also where only the tag is signed", async () => {
  await using world = await admissionWorld({ scopes: [strict] }, exact, keys);
  const good = image("good");
  world.signatures.put(repo, good.digest, folk.sign("ann", `${repo}:v1`, good.digest));
  await world.byTag(repo, "v1", index([good]));
  await world.byDigest(repo, good);
  assert.equal((await world.blob(repo, layerOf("good")))?.allowed, true);
});

test("refused at its blobs, a manifest is told of and its blobs do not leave, with the same reason", async () => {
  const late = { repositories: ["**"], refuseAt: "blob" };
  await using world = await admissionWorld({ scopes: [late] }, byAnn, keys);
  const one = image("one");
  const manifest = await world.byTag(repo, "v1", one);
  assert.ok(!manifest.allowed);
  assert.equal(manifest.at, "blob");
  const blob = await world.blob(repo, layerOf("one"));
  assert.ok(blob && !blob.allowed);
  assert.equal(blob.reason, manifest.reason);
});

test("refused for its tag's sake, a manifest does not leave, as its blobs would", async () => {
  const late = { repositories: ["**"], refuseAt: "blob", noRollback: true };
  await using world = await admissionWorld({ scopes: [late] }, byAnn, keys);
  const [old, other, bad] = [image("old"), image("other"), image("bad")];
  const sign = (manifest: RawManifest, tag: string, at: string) =>
    world.signatures.put(
      repo,
      manifest.digest,
      folk.sign("ann", `${repo}:${tag}`, manifest.digest, at),
    );
  sign(other, "v2", "20260501T000000");
  sign(old, "v1", "20260401T000000");
  const refusedAt = async (manifest: RawManifest) => {
    const decision = await world.byTag(repo, "v1", manifest);
    return decision.allowed ? "no" : decision.at;
  };
  assert.equal(await refusedAt(other), "manifest");
  assert.equal(await refusedAt(index([bad, other])), "manifest");
  assert.equal(await refusedAt(index([bad, world.keep(repo, index([other]))])), "manifest");
  assert.equal(await refusedAt(index([bad])), "blob");
  assert.equal(await refusedAt(bad), "blob");
  assert.equal(await refusedAt(old), "no");
  const now = image("now");
  sign(now, "v1", "20260502T000000");
  assert.equal(await refusedAt(now), "no");
  assert.equal(await refusedAt(old), "manifest", "it goes back");
});

test("refused at its blobs, a manifest that brings them along does not leave", async () => {
  const late = { repositories: ["**"], refuseAt: "blob" };
  await using world = await admissionWorld({ scopes: [late] }, byAnn, keys);
  const layer = { mediaType: mediaTypes.ociLayer, digest: layerOf("one"), size: 3, data: "YWJj" };
  const one = image("one", { layers: [layer] });
  for (const decision of [
    await world.byTag(repo, "v1", one),
    await world.byDigest(repo, one),
    await world.byTag(repo, "v1", index([{ ...layer, mediaType: mediaTypes.ociManifest }])),
  ]) {
    assert.ok(!decision.allowed);
    assert.equal(decision.at, "manifest");
  }
});

test("one image's blobs do not leave by another repository, nor under audit are they kept", async () => {
  await using world = await admissionWorld(
    {
      scopes: [
        { ...strict, repositories: ["docker.io/**"] },
        { ...strict, mode: "audit" },
      ],
    },
    { "docker.io/a": [accept], "docker.io/b": [accept] },
    keys,
  );
  await world.byTag("docker.io/a/x", "v1", image("one"));
  assert.equal((await world.blob("docker.io/b/x", layerOf("one")))?.allowed, false);
  assert.equal((await world.blob("ghcr.example/x", layerOf("one")))?.allowed, true);
});

test("an image that shares a layer with a refused one gives it its leave", async () => {
  await using world = await admissionWorld({ scopes: [strict] }, byAnn, keys);
  const shared = {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: layerOf("base"),
    size: 4,
  };
  const [bad, good] = [image("bad", { layers: [shared] }), image("good", { layers: [shared] })];
  world.signatures.put(repo, good.digest, folk.sign("ann", `${repo}:v1`, good.digest));
  await world.byTag(repo, "v0", bad);
  assert.equal((await world.blob(repo, layerOf("base")))?.allowed, false);
  await world.byTag(repo, "v1", good);
  assert.equal((await world.blob(repo, layerOf("base")))?.allowed, true);
  assert.equal((await world.blob(repo, configOf("bad")))?.allowed, false);
});
