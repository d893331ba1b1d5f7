import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import type {
  RegistryAnswerCode,
  RegistryAnswerError,
} from "../../../src/server/v2/answer-error.ts";
import {
  blobAt,
  callBy,
  imageOf,
  indexOf,
  manifestAt,
  manifestOf,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

const app = repositoryAt("team/app");
const absent = digestOf(Buffer.from("nothing has this"));

function answers(status: number, code: RegistryAnswerCode) {
  return (error: RegistryAnswerError) => {
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    return true;
  };
}

test("putManifest() makes a manifest readable by its digest and all of its tags, byte for byte", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const manifest = await pushImage(store, app, ["v1", "v2"], "a");
  for (const reference of ["v1", "v2", manifest.digest, "v1"]) {
    assert.deepEqual(await manifestAt(store, app, reference), manifest);
  }
  assert.equal(await manifestAt(store, app, "v3"), undefined);
  assert.equal(await manifestAt(store, app, absent), undefined);
  assert.equal(await manifestAt(store, repositoryAt("team/other"), "v1"), undefined);
  assert.equal(await manifestAt(store, repositoryAt("team/app", "else.example"), "v1"), undefined);
});

test("putManifest() moves a tag, and remembers where it stood", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  const first = await pushImage(store, app, ["latest"], "a");
  assert.deepEqual(await manifestAt(store, app, "latest"), first);
  clock.at = 2000;
  const second = await pushImage(store, app, ["latest"], "b");
  assert.deepEqual(await manifestAt(store, app, "latest"), second);
  await store.putManifest(app, { manifest: second, tags: ["latest"] }, callBy("ann"));
  clock.at = 3000;
  await store.deleteManifest(app, { type: "tag", tag: "latest" }, callBy("ann"));
  assert.deepEqual(store.tagHistory(app, "latest"), [
    { digest: undefined, at: 3000, user: "ann" },
    { digest: second.digest, at: 2000, user: undefined },
    { digest: first.digest, at: 1000, user: undefined },
  ]);
  assert.deepEqual(store.tagHistory(repositoryAt("no/such"), "latest"), []);
});

test("putManifest() refuses what names something that is not there, or of another size", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const config = Buffer.from("{}");
  const layer = Buffer.from("layer");
  const put = (manifest: RawManifest) =>
    store.putManifest(app, { manifest, tags: ["v1"] }, callBy());
  const image = imageOf(config, [layer]);
  await assert.rejects(put(image), answers(404, "MANIFEST_BLOB_UNKNOWN"));
  await pushBlob(store, app, config);
  await assert.rejects(put(image), answers(404, "MANIFEST_BLOB_UNKNOWN"));
  await pushBlob(store, repositoryAt("team/other"), layer);
  await assert.rejects(put(image), answers(404, "MANIFEST_BLOB_UNKNOWN"));
  await assert.rejects(put(indexOf([image])), answers(404, "MANIFEST_BLOB_UNKNOWN"));
  await pushBlob(store, app, layer);
  const lying = JSON.parse(Buffer.from(image.bytes).toString());
  lying.layers[0].size++;
  await assert.rejects(put(manifestOf(lying)), answers(400, "MANIFEST_INVALID"));
  lying.layers[0].size = -1;
  await assert.rejects(put(manifestOf(lying)), answers(400, "MANIFEST_INVALID"));
  assert.equal(await manifestAt(store, app, "v1"), undefined);
  assert.deepEqual(await store.listTags(app, { limit: 10 }, callBy()), { names: [], more: false });
  await put(image);
  await put(indexOf([image]));
  await put(indexOf([indexOf([image])]));
  await put(indexOf([]));
});

test("putManifest() takes what names nothing that is there where references may be sparse", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path, { references: "sparse" });
  const index = indexOf([imageOf(Buffer.from("{}"), [])]);
  await store.putManifest(app, { manifest: index, tags: ["v1"] }, callBy());
  assert.deepEqual(await manifestAt(store, app, "v1"), index);
});

test("putManifest() does not ask for layers that are fetched elsewhere", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  await pushBlob(store, app, Buffer.from("{}"));
  const image = JSON.parse(Buffer.from(imageOf(Buffer.from("{}"), []).bytes).toString());
  for (const mediaType of [mediaTypes.ociForeignLayer, mediaTypes.dockerForeignLayerGzip]) {
    image.layers = [{ mediaType, digest: absent, size: 5, urls: ["https://example.org/layer"] }];
    await store.putManifest(app, { manifest: manifestOf(image), tags: [] }, callBy());
  }
});

test("putManifest() with `instead` changes a tag only if it stands for just that", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const first = await pushImage(store, app, ["v1"], "a");
  const second = await pushImage(store, app, [], "b");
  const put = (manifest: RawManifest, instead: Digest | "nothing", tag = "v1") =>
    store.putManifest(app, { manifest, tags: [tag], instead }, callBy());
  await assert.rejects(put(second, "nothing"), answers(412, "DENIED"));
  await assert.rejects(put(second, second.digest), answers(412, "DENIED"));
  assert.deepEqual(await manifestAt(store, app, "v1"), first);
  await put(second, first.digest);
  await put(first, "nothing", "v2");
  await assert.rejects(put(first, first.digest, "v3"), answers(412, "DENIED"));
  assert.deepEqual(await manifestAt(store, app, "v1"), second);
  assert.deepEqual(await manifestAt(store, app, "v2"), first);
});

test("putManifest() keeps manifests of other hash algorithms", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  for (const algorithm of ["sha384", "sha512"] as const) {
    const layer = Buffer.from(`layer ${algorithm}`);
    const digest = await pushBlob(store, app, layer, algorithm);
    assert.deepEqual(await blobAt(store, app, digest), layer);
    const manifest = await pushImage(store, app, [algorithm], algorithm, { algorithm });
    assert.ok(manifest.digest.startsWith(algorithm));
    assert.deepEqual(await manifestAt(store, app, algorithm), manifest);
  }
});

test("listReferrers() tells what refers to a subject, whether that is there or not", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  assert.deepEqual(await store.listReferrers(app, absent, callBy()), []);
  const plain = await pushImage(store, app, [], "a", { subject: absent, configType: "x/config" });
  const typed = await pushImage(store, app, [], "b", {
    ...{ subject: absent, artifactType: "x/sbom", annotations: { made: "today", __proto__x: "1" } },
  });
  const index = manifestOf({
    ...{ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] },
    subject: { mediaType: mediaTypes.ociManifest, digest: absent, size: 10 },
  });
  const kept = await store.putManifest(app, { manifest: index, tags: [] }, callBy());
  assert.deepEqual(kept, { digest: index.digest, subject: absent });
  const describe = ({ mediaType, digest, bytes }: RawManifest) => ({
    ...{ mediaType, digest, size: bytes.byteLength },
  });
  assert.deepEqual(await store.listReferrers(app, absent, callBy()), [
    { ...describe(plain), artifactType: "x/config" },
    { ...describe(typed), artifactType: "x/sbom", annotations: { made: "today", __proto__x: "1" } },
    describe(index),
  ]);
  await store.deleteManifest(app, { type: "digest", digest: typed.digest }, callBy());
  assert.equal((await store.listReferrers(app, absent, callBy())).length, 2);
  assert.deepEqual(await store.listReferrers(repositoryAt("b"), absent, callBy()), []);
});

test("deleteManifest() takes a tag, or by digest all of its tags", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const manifest = await pushImage(store, app, ["a", "b", "c"], "a");
  const remove = (reference: string) =>
    store.deleteManifest(
      app,
      reference.includes(":")
        ? { type: "digest", digest: reference as Digest }
        : { type: "tag", tag: reference },
      callBy(),
    );
  const tags = async () => (await store.listTags(app, { limit: 10 }, callBy()))?.names;
  assert.equal(await remove("b"), true);
  assert.equal(await remove("b"), false);
  assert.deepEqual(await tags(), ["a", "c"]);
  assert.deepEqual(await manifestAt(store, app, manifest.digest), manifest);
  assert.equal(await remove(manifest.digest), true);
  assert.equal(await remove(manifest.digest), false);
  assert.deepEqual(await tags(), []);
  assert.equal(await manifestAt(store, app, "a"), undefined);
  assert.equal(await manifestAt(store, app, manifest.digest), undefined);
  await pushImage(store, app, ["a"], "a");
  assert.deepEqual(await manifestAt(store, app, "a"), manifest);
});

test("listTags() gives pages in the order of code units", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  assert.equal(await store.listTags(app, { limit: 10 }, callBy()), undefined);
  await pushImage(store, app, ["b", "a", "B", "_", "1.0", "a.b", "a-b"], "a");
  const all = ["1.0", "B", "_", "a", "a-b", "a.b", "b"];
  const page = (limit: number, last?: string) =>
    store.listTags(app, { limit, ...(last !== undefined && { last }) }, callBy());
  assert.deepEqual(await page(10), { names: all, more: false });
  assert.deepEqual(await page(7), { names: all, more: false });
  assert.deepEqual(await page(2), { names: all.slice(0, 2), more: true });
  assert.deepEqual(await page(2, "B"), { names: all.slice(2, 4), more: true });
  assert.deepEqual(await page(2, "Zzz"), { names: all.slice(2, 4), more: true });
  assert.deepEqual(await page(0), { names: [], more: true });
  assert.deepEqual(await page(3, "b"), { names: [], more: false });
});

test("listRepositories() gives the paths below the server's own name that hold something", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  for (const path of ["b", "a/c", "a", "z"])
    await pushImage(store, repositoryAt(path), ["v1"], path);
  await pushImage(store, repositoryAt("library/x", "docker.io"), ["v1"], "x");
  await pushBlob(store, repositoryAt("blobs-alone"), Buffer.from("x"));
  assert.deepEqual(await store.listRepositories({ limit: 2 }, callBy()), {
    ...{ names: ["a", "a/c"], more: true },
  });
  assert.deepEqual(await store.listRepositories({ limit: 5, last: "a/c" }, callBy()), {
    ...{ names: ["b", "z"], more: false },
  });
});

test("A manifest's bytes are no blob, unless they were pushed as one", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const manifest = await pushImage(store, app, ["v1"], "a");
  assert.equal(await blobAt(store, app, manifest.digest), undefined);
  assert.equal(await store.statBlob(app, manifest.digest, callBy()), undefined);
  assert.equal(await store.deleteBlob(app, manifest.digest, callBy()), false);
  await pushBlob(store, app, manifest.bytes);
  assert.deepEqual(await blobAt(store, app, manifest.digest), manifest.bytes);
  assert.equal(await store.deleteBlob(app, manifest.digest, callBy()), true);
  assert.equal(await blobAt(store, app, manifest.digest), undefined);
  assert.deepEqual(await manifestAt(store, app, "v1"), manifest);

  const other = imageOf(Buffer.from("{}"), []);
  await pushBlob(store, app, Buffer.from("{}"));
  await pushBlob(store, app, other.bytes);
  await store.putManifest(app, { manifest: other, tags: [] }, callBy());
  assert.deepEqual(await blobAt(store, app, other.digest), other.bytes);
  await store.deleteManifest(app, { type: "digest", digest: other.digest }, callBy());
  assert.deepEqual(await blobAt(store, app, other.digest), other.bytes);
});

test("Names that could lead out of the folder are refused, and those of a layout's own parts are not", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  for (const path of [
    "..",
    "a/../b",
    "a//b",
    "",
    "A",
    "a/.b",
    "/a",
    "a/",
    "a\0b",
    "x".repeat(256),
  ]) {
    const push = pushBlob(store, repositoryAt(path), Buffer.from("x"));
    await assert.rejects(push, answers(400, "NAME_INVALID"));
  }
  await assert.rejects(
    pushBlob(store, repositoryAt("a", "../b"), Buffer.from("x")),
    answers(400, "NAME_INVALID"),
  );
  for (const path of ["a", "a/blobs", "a/blobs/sha256", "a/index.json", "a/oci-layout/b"]) {
    await pushImage(store, repositoryAt(path), ["v1"], path);
  }
  await store.flush();
  for (const path of ["a", "a/_blobs", "a/_blobs/sha256", "a/_index.json", "a/_oci-layout/b"]) {
    const file = folder.in("repositories", "registry.example_5000", path, "index.json");
    assert.equal(JSON.parse(await readFile(file, "utf8")).manifests.length, 1);
  }
});
