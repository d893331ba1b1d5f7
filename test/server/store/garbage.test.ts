import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { test } from "node:test";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  blobAt,
  callBy,
  imageOf,
  indexOf,
  manifestAt,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

const app = repositoryAt("team/app");
const hourMs = 60 * 60 * 1000;

/** A clock that can be put forward. */
function clockFrom(start = Date.now()) {
  const clock = { ahead: 0, now: () => start + clock.ahead + performance.now() };
  return clock;
}

test("collectGarbage() takes blobs that no manifest names when they are old, and what it frees", async () => {
  await using folder = await tempFolder();
  const clock = clockFrom();
  await using store = await openTestStore(folder.path, {}, { now: clock.now });
  const image = await pushImage(store, app, ["v1"], "a");
  const loose = await pushBlob(store, app, randomBytesOf(1, 5000));
  assert.deepEqual(await store.collectGarbage(), {
    ...{ uploads: 0, manifests: 0, blobs: 0, bytes: 0 },
  });
  clock.ahead = 25 * hourMs;
  const { blobs, bytes } = await store.collectGarbage();
  assert.deepEqual({ blobs, bytes }, { blobs: 1, bytes: 5000 });
  assert.equal(await store.statBlob(app, loose, callBy()), undefined);
  await assert.rejects(stat(folder.in("blobs/sha256", hexOf(loose))), { code: "ENOENT" });
  assert.deepEqual(await manifestAt(store, app, "v1"), image);
  assert.ok(await blobAt(store, app, digestOf(Buffer.from("layer a".repeat(100)))));
});

test("A blob that somebody asked after is young again", async () => {
  await using folder = await tempFolder();
  const clock = clockFrom();
  await using store = await openTestStore(
    ...([folder.path, { unreferencedAfterMs: 0 }, { now: clock.now }] as const),
  );
  const loose = await pushBlob(store, app, randomBytesOf(1, 5000));
  const before = await stat(folder.in("blobs/sha256", hexOf(loose)));
  clock.ahead = hourMs;
  await store.statBlob(app, loose, callBy());
  const after = await stat(folder.in("blobs/sha256", hexOf(loose)));
  assert.ok(after.mtimeMs > before.mtimeMs + hourMs / 2); // and so its ctime is of just now
});

test("A blob that is pushed or mounted again is young again, though it was there", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const other = repositoryAt("team/other");
  const bytes = randomBytesOf(1, 5000);
  const digest = await pushBlob(store, app, bytes);
  await pushBlob(store, other, bytes);
  const file = folder.in("repositories/registry.example_5000/team/app/blobs/sha256", hexOf(digest));
  const changedAt = async () => (await stat(file)).ctimeMs;
  for (const again of [
    () => pushBlob(store, app, bytes),
    () => store.beginUpload(app, { type: "mount", digest, from: other }, callBy()),
  ]) {
    const before = await changedAt();
    // The file system's clock may be slow; a blob that stays old stays so for ever.
    for (let n = 0; n < 1000 && (await changedAt()) === before; n++) await again();
    assert.ok((await changedAt()) > before);
  }
});

test("collectGarbage() leaves manifests without tags, unless the settings say how long", async () => {
  for (const untaggedAfterMs of [undefined, hourMs]) {
    await using folder = await tempFolder();
    const clock = clockFrom();
    await using store = await openTestStore(
      ...([folder.path, untaggedAfterMs ? { untaggedAfterMs } : {}, { now: clock.now }] as const),
    );
    const instance = await pushImage(store, app, [], "instance");
    const index = indexOf([instance]);
    await store.putManifest(app, { manifest: index, tags: ["v1"] }, callBy());
    const loose = await pushImage(store, app, [], "loose");
    const referrer = await pushImage(store, app, [], "referrer", { subject: index.digest });
    const there = async () => {
      const all = [instance, index, loose, referrer];
      const found = await Promise.all(all.map(({ digest }) => manifestAt(store, app, digest)));
      return found.map((one) => (one ? "x" : ".")).join("");
    };
    clock.ahead = 2 * hourMs;
    await store.collectGarbage();
    assert.equal(await there(), untaggedAfterMs ? "xx.x" : "xxxx");
    await store.deleteManifest(app, { type: "tag", tag: "v1" }, callBy());
    await store.collectGarbage();
    assert.equal(await there(), untaggedAfterMs ? "xx.x" : "xxxx");
    clock.ahead = 4 * hourMs;
    await store.collectGarbage();
    assert.equal(await there(), untaggedAfterMs ? "...." : "xxxx");
  }
});

test("collectGarbage() takes uploads that nobody goes on with", async () => {
  await using folder = await tempFolder();
  const clock = clockFrom();
  await using store = await openTestStore(folder.path, {}, { now: clock.now });
  const begun = await store.beginUpload(app, { type: "new" }, callBy());
  assert.ok(begun.type === "open");
  const { id } = begun.upload;
  clock.ahead = 23 * hourMs;
  assert.equal((await store.collectGarbage()).uploads, 0);
  assert.ok(await store.readUpload(app, id, callBy()));
  clock.ahead = 25 * hourMs;
  assert.equal((await store.health()).openUploads, 1);
  assert.equal((await store.collectGarbage()).uploads, 1);
  assert.equal(await store.readUpload(app, id, callBy()), undefined);
  assert.equal((await store.health()).openUploads, 0);
});

const pushes = process.env["AMPHORA_SOAK"] === "1" ? 200 : 12;

/** Pushes and mounts over and over; what was answered well must be there, all of it. */
async function pushAgainstSweeps(
  store: RegistryStore,
  seed: string,
): Promise<RawManifest | undefined> {
  const config = Buffer.from(`{"seed":"${seed}"}`);
  const layer = Buffer.from("a layer that all have");
  try {
    await pushBlob(store, app, config);
    const mount = { type: "mount", digest: digestOf(layer), from: repositoryAt("base") } as const;
    const begun = await store.beginUpload(app, mount, callBy());
    if (begun.type === "open") {
      await store.cancelUpload(app, begun.upload.id, callBy());
      await pushBlob(store, app, layer);
    }
    const manifest = imageOf(config, [layer]);
    await store.putManifest(app, { manifest, tags: [`t${seed}`] }, callBy());
    return manifest;
  } catch (error) {
    assert.ok(error instanceof RegistryAnswerError, String(error));
    assert.equal(error.code, "MANIFEST_BLOB_UNKNOWN");
    return undefined; // a blob that nothing named yet was gone again: with no grace that can be
  }
}

test("Garbage collection without any grace never takes what an accepted push needs", async () => {
  await using folder = await tempFolder();
  await using one = await openTestStore(folder.path, { unreferencedAfterMs: -hourMs });
  await using other = await openTestStore(folder.path, { unreferencedAfterMs: -hourMs });
  await pushImage(one, repositoryAt("base"), ["v1"], "a");
  const stop = new AbortController();
  const sweeping = [one, other].map(async (store) => {
    while (!stop.signal.aborted) await store.collectGarbage();
  });
  const kept = new Map<string, RawManifest>();
  const pushing = [one, other].map(async (store, nth) => {
    for (let n = 0; n < pushes; n++) {
      const manifest = await pushAgainstSweeps(store, `${nth}-${n}`);
      if (manifest) kept.set(`t${nth}-${n}`, manifest);
      if (n % 5 === 4 && manifest) {
        await store.deleteManifest(app, { type: "digest", digest: manifest.digest }, callBy());
        kept.delete(`t${nth}-${n}`);
      }
    }
  });
  await Promise.all(pushing);
  stop.abort();
  await Promise.all(sweeping);
  for (const [tag, manifest] of kept) {
    for (const store of [one, other]) {
      assert.deepEqual(await manifestAt(store, app, tag), manifest);
      const { config, layers } = JSON.parse(Buffer.from(manifest.bytes).toString());
      for (const { digest, size } of [config, ...layers]) {
        assert.equal((await blobAt(store, app, digest))?.byteLength, size);
      }
    }
  }
  assert.deepEqual(await readdir(folder.in("uploads")), []);
});
