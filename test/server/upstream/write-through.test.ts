import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithmOf, type Digest, digestOf } from "../../../src/core/digest.ts";
import { assertHolds, collected } from "../../registry/support.ts";
import { makeArtifact, makeImage, makeMultiArch } from "../../support/images.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  dropRequest,
  type Fault,
  loseReply,
  refuse,
  stallRequest,
} from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { borrowed, type PushWay, pushBlob, pushImage, pushManifests } from "./pushing.ts";
import { byTag, readBlob, repositoryOf, startUpstreams, testCall } from "./support.ts";

const through = { push: "write-through" } as const;
const image = makeImage({ layers: 2, layerBytes: 200_000, compression: "none" });
const big = randomBytesOf(3, 400_000);
const blob = { bytes: big, digest: digestOf(big) };

/** Whether the upstream has it, byte for byte. */
async function isThere(registry: Registry, digest: Digest): Promise<boolean> {
  const blob = registry.store.repositories.get("app")?.blobs.get(digest);
  if (!blob) return false;
  const bytes = await collected(blob.read(0, blob.size));
  return digestOf(bytes, algorithmOf(digest)) === digest;
}

test("nothing is pushed where pushing is refused", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin);
  const { upstreams } = world;
  const asked = [
    () => upstreams.beginUpload(repositoryOf(), { type: "new" }, testCall()),
    () => pushManifests(upstreams, repositoryOf(), image),
    () => upstreams.deleteManifest(repositoryOf(), byTag("v1"), testCall()),
    () => upstreams.deleteBlob(repositoryOf(), blob.digest, testCall()),
  ];
  for (const ask of asked) {
    await assert.rejects(async () => ask(), { status: 405, code: "UNSUPPORTED" });
  }
  assert.equal(registry.log.entries.length, 0);
});

for (const way of ["whole", "one patch", "pieces"] as const satisfies PushWay[]) {
  test(`an image pushed ${way} is at its upstream when that is acknowledged, and is not fetched back`, async () => {
    await using registry = await startRegistry();
    await using world = await startUpstreams(registry.origin, through);
    await pushImage(world.upstreams, repositoryOf(), image, { way });
    assertHolds(registry, "app", image);
    assert.equal(registry.log.of("PATCH upload").length, image.blobs.size, "one stream a blob");
    registry.log.clear();
    const held = await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
    assert.equal(held?.digest, image.digest);
    for (const { digest } of image.layers) assert.ok(await readBlob(world.upstreams, digest));
    assert.equal(registry.log.entries.length, 0);
  });
}

test("an index is pushed with its instances", async () => {
  const multi = makeMultiArch();
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  await pushImage(world.upstreams, repositoryOf(), multi);
  assert.equal(registry.store.repositories.get("app")?.tags.get("v1"), multi.digest);
});

const setbacks: readonly (readonly [string, string, Fault])[] = [
  ["broken off", "PATCH upload", dropRequest(100_000)],
  ["broken off at its first byte", "PATCH upload", dropRequest(0, "close")],
  ["refused while it is sent", "PATCH upload", refuse(413)],
  ["refused once it was sent", "PATCH upload", refuse(500, { afterBody: true })],
  ["sent, and the answer lost", "PATCH upload", loseReply()],
  ["not finished", "PUT upload", refuse(404)],
  ["finished, and the answer lost", "PUT upload", loseReply()],
  ["not begun", "POST upload", refuse(500)],
];
for (const [what, on, fault] of setbacks) {
  test(`an upload that is ${what} at the upstream is sent again from what is held here`, async () => {
    await using registry = await startRegistry();
    await using world = await startUpstreams(registry.origin, through);
    registry.behave({ on, fault });
    await pushBlob(world.upstreams, repositoryOf(), blob, "pieces");
    assert.ok(await isThere(registry, blob.digest));
  });
}

test("an upload that the upstream lets wait is sent again", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through, {
    timeouts: { writeIdleMs: 300, headersMs: 500 },
  });
  registry.behave({ on: "PATCH upload", fault: stallRequest(50_000) });
  await pushBlob(world.upstreams, repositoryOf(), blob);
  assert.ok(await isThere(registry, blob.digest));
});

test("a blob that the upstream does not take is not here either", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  registry.behave({ on: "PUT upload", times: 100, fault: refuse(403, { code: "DENIED" }) });
  await assert.rejects(pushBlob(world.upstreams, repositoryOf(), blob), { status: 403 });
  assert.equal(await world.upstreams.statBlob(repositoryOf(), blob.digest, testCall()), undefined);
  registry.behaveWell();
  world.pass(31_000);
  await pushBlob(world.upstreams, repositoryOf(), blob);
  assert.ok(await isThere(registry, blob.digest));
});

test("what an upstream has against a push is told as it is", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  await pushImage(world.upstreams, repositoryOf(), image);
  for (const [status, said, code] of [
    [400, "DIGEST_INVALID", "DIGEST_INVALID"],
    [409, "TAG_INVALID", "MANIFEST_INVALID"],
    [409, "DENIED", "DENIED"],
    [413, "SIZE_INVALID", "SIZE_INVALID"],
    [422, "PRECONDITION", "UNSUPPORTED"],
  ] as const) {
    registry.behave({ on: "PUT manifest", fault: refuse(status, { code: said }) });
    const pushed = pushManifests(world.upstreams, repositoryOf(), image);
    const expected = code === "MANIFEST_INVALID" ? 400 : status;
    await assert.rejects(pushed, { status: expected, code }, said);
  }
});

test("bytes of another digest are refused, and are not left at the upstream", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  const wrong = { ...blob, digest: digestOf(Buffer.from("other")) };
  await assert.rejects(pushBlob(world.upstreams, repositoryOf(), wrong, "one patch"), {
    status: 400,
    code: "DIGEST_INVALID",
  });
  assert.equal(await isThere(registry, blob.digest), false);
});

test("an upload goes on where its client left off, and is given up when the client says so", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  const { upstreams } = world;
  const begun = await upstreams.beginUpload(repositoryOf(), { type: "new" }, testCall());
  assert.ok(begun.type === "open");
  const { id } = begun.upload;
  async function* breaksOff() {
    yield* borrowed(big.subarray(0, 50_000));
    throw new Error("the client is gone");
  }
  await assert.rejects(
    upstreams.appendUpload(repositoryOf(), id, { body: breaksOff() }, testCall()),
  );
  const state = await upstreams.readUpload(repositoryOf(), id, testCall());
  assert.ok(state);
  const ahead = { body: borrowed(big), range: { first: state.size + 1, last: big.byteLength } };
  await assert.rejects(upstreams.appendUpload(repositoryOf(), id, ahead, testCall()), {
    status: 416,
  });
  const rest = { body: borrowed(big.subarray(state.size)), digest: blob.digest };
  await upstreams.finishUpload(repositoryOf(), id, rest, testCall());
  assert.ok(await isThere(registry, blob.digest));
  const other = await upstreams.beginUpload(repositoryOf(), { type: "new" }, testCall());
  assert.ok(other.type === "open");
  const piece = { body: borrowed(big.subarray(0, 5000)) };
  await upstreams.appendUpload(repositoryOf(), other.upload.id, piece, testCall());
  assert.equal(await upstreams.cancelUpload(repositoryOf(), other.upload.id, testCall()), true);
  assert.equal(await upstreams.readUpload(repositoryOf(), other.upload.id, testCall()), undefined);
});

test("a sha512 is what the upstream gets where that was pushed", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  const strong = { bytes: big, digest: digestOf(big, "sha512") };
  await pushBlob(world.upstreams, repositoryOf(), strong);
  assert.ok(await isThere(registry, strong.digest));
});

test("a tag of a manifest named by sha512 stands for that where the upstream knows how", async () => {
  for (const tagParameters of [true, false]) {
    await using registry = await startRegistry({ features: { tagParameters } });
    await using world = await startUpstreams(registry.origin, through);
    await pushImage(world.upstreams, repositoryOf(), image);
    const [{ bytes, mediaType } = { bytes: Buffer.alloc(0), mediaType: "" }] = image.manifests;
    const manifest = { bytes, mediaType, digest: digestOf(bytes, "sha512") };
    const tags = Array.from({ length: 12 }, (_, at) => `tag-${at}`);
    await world.upstreams.putManifest(repositoryOf(), { manifest, tags }, testCall());
    const there = registry.store.repositories.get("app");
    const expected = tagParameters ? manifest.digest : image.digest;
    for (const tag of tags) assert.equal(there?.tags.get(tag), expected);
    assert.ok(there?.manifests.has(manifest.digest));
  }
});

test("a manifest goes after what its upstream has lost, and is refused where nobody has it", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  await pushImage(world.upstreams, repositoryOf(), image);
  registry.store.repositories.get("app")?.blobs.clear();
  await pushManifests(world.upstreams, repositoryOf(), image, "again");
  for (const { digest } of image.layers) assert.ok(await isThere(registry, digest));
  const unknown = makeImage({ seed: 99, layers: 1 });
  await assert.rejects(pushManifests(world.upstreams, repositoryOf(), unknown), {
    code: "MANIFEST_BLOB_UNKNOWN",
  });
});

test("a mount is the upstream's where both are its repositories, else comes from what is here", async () => {
  await using registry = await startRegistry();
  registry.seed("base", "v1", image);
  await using world = await startUpstreams(registry.origin, through);
  const { upstreams, store } = world;
  const [layer] = image.layers;
  assert.ok(layer);
  const mount = (from: ReturnType<typeof repositoryOf> | undefined, digest = layer.digest) => {
    const start = from ? { from } : { from, mayRead: () => true };
    return upstreams.beginUpload(repositoryOf(), { type: "mount", digest, ...start }, testCall());
  };
  assert.equal((await mount(repositoryOf("base"))).type, "mounted");
  assert.ok(await isThere(registry, layer.digest));
  assert.equal(registry.log.of("GET blob").length, 0);
  const own = { domain: "registry.example", path: "own", requested: "own", upstream: undefined };
  await pushBlob(store, own, blob);
  assert.equal((await mount(own, blob.digest)).type, "mounted");
  assert.ok(await isThere(registry, blob.digest));
  assert.equal((await mount(repositoryOf("nothing"), digestOf(Buffer.from("x")))).type, "open");
  assert.equal((await mount(undefined)).type, "mounted");
  assert.equal((await mount(undefined, digestOf(Buffer.from("x")))).type, "open");
});

test("a referrer is listed by an upstream without the API too", async () => {
  const signature = makeArtifact("application/x.sig", Buffer.from("sig"), image.descriptor);
  for (const referrers of [true, false]) {
    await using registry = await startRegistry({ features: { referrers } });
    await using world = await startUpstreams(registry.origin, through);
    await pushImage(world.upstreams, repositoryOf(), image);
    await world.upstreams.listReferrers(repositoryOf(), image.digest, testCall());
    await pushImage(world.upstreams, repositoryOf(), signature, { tag: "sig" });
    const listed = await world.upstreams.listReferrers(repositoryOf(), image.digest, testCall());
    assert.deepEqual(
      listed.map(({ digest, artifactType }) => [digest, artifactType]),
      [[signature.digest, "application/x.sig"]],
    );
    await using other = await startUpstreams(registry.origin);
    const there = await other.upstreams.listReferrers(repositoryOf(), image.digest, testCall());
    assert.deepEqual(
      there.map(({ digest }) => digest),
      [signature.digest],
    );
  }
});

test("a tag that has moved upstream is only overwritten where that is allowed", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, { ...through, tagConflict: "refuse" });
  await pushImage(world.upstreams, repositoryOf(), image);
  const second = makeImage({ seed: 2, layers: 1 });
  await pushImage(world.upstreams, repositoryOf(), second);
  registry.seed("app", "v1", image);
  const third = makeImage({ seed: 3, layers: 1 });
  await assert.rejects(pushImage(world.upstreams, repositoryOf(), third), {
    status: 409,
    code: "DENIED",
  });
  world.pass(61_000);
  await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
  await pushImage(world.upstreams, repositoryOf(), third);
  assert.equal(registry.store.repositories.get("app")?.tags.get("v1"), third.digest);
});

test("deletions pass on where the settings let them", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, { ...through, deletes: true });
  const { upstreams } = world;
  await pushImage(upstreams, repositoryOf(), image, { tag: "a" });
  await pushManifests(upstreams, repositoryOf(), image, "b");
  const tags = async () =>
    (await upstreams.listTags(repositoryOf(), { limit: 9 }, testCall()))?.names;
  assert.deepEqual(await tags(), ["a", "b"]);
  assert.equal(await upstreams.deleteManifest(repositoryOf(), byTag("a"), testCall()), true);
  assert.deepEqual(await tags(), ["b"]);
  const reference = { type: "digest", digest: image.digest } as const;
  assert.equal(await upstreams.deleteManifest(repositoryOf(), reference, testCall()), true);
  assert.equal(await upstreams.readManifest(repositoryOf(), byTag("b"), testCall()), undefined);
  assert.equal(await upstreams.deleteManifest(repositoryOf(), reference, testCall()), false);
  const [layer] = image.layers;
  assert.ok(layer);
  assert.equal(await upstreams.deleteBlob(repositoryOf(), layer.digest, testCall()), true);
  assert.equal(await isThere(registry, layer.digest), false);
  assert.equal(await upstreams.statBlob(repositoryOf(), layer.digest, testCall()), undefined);
  assert.equal(await upstreams.deleteBlob(repositoryOf(), layer.digest, testCall()), false);
  await pushImage(upstreams, repositoryOf(), image, { tag: "again" });
  assert.ok(await isThere(registry, layer.digest), "it is not believed to be there");
});

test("a referrer that is deleted leaves its subject's list, wherever that is", async () => {
  const signature = makeArtifact("application/x.sig", Buffer.from("sig"), image.descriptor);
  for (const referrers of [true, false]) {
    await using registry = await startRegistry({ features: { referrers } });
    await using world = await startUpstreams(registry.origin, { ...through, deletes: true });
    const { upstreams } = world;
    const listed = async () =>
      (await upstreams.listReferrers(repositoryOf(), image.digest, testCall())).length;
    await pushImage(upstreams, repositoryOf(), image);
    await pushImage(upstreams, repositoryOf(), signature, { tag: "signature" });
    assert.equal(await listed(), 1);
    const reference = { type: "digest", digest: signature.digest } as const;
    assert.equal(await upstreams.deleteManifest(repositoryOf(), reference, testCall()), true);
    assert.equal(await listed(), 0);
  }
});

test("nothing is deleted at an upstream whose settings do not say so", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, through);
  const { upstreams } = world;
  await pushImage(upstreams, repositoryOf(), image);
  const call = testCall();
  const refusal = { status: 405, code: "UNSUPPORTED" };
  await assert.rejects(upstreams.deleteManifest(repositoryOf(), byTag("v1"), call), refusal);
  const [layer] = image.layers;
  assert.ok(layer);
  await assert.rejects(upstreams.deleteBlob(repositoryOf(), layer.digest, call), refusal);
  assert.ok(await isThere(registry, layer.digest));
});
