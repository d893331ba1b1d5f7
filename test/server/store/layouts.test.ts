import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import { skipWithout } from "../../support/peers.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  callBy,
  imageOf,
  indexOf,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { skopeo } from "../../support/skopeo.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const app = repositoryAt("team/app");
const layout = (folder: TempFolder) => folder.in("repositories/registry.example_5000/team/app");

async function indexIn(folder: TempFolder) {
  return JSON.parse(await readFile(`${layout(folder)}/index.json`, "utf8"));
}

test("index.json shows every tag, and manifests that nothing else names", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const instance = await pushImage(store, app, [], "instance");
  const index = indexOf([instance]);
  await store.putManifest(app, { manifest: index, tags: ["b", "a"] }, callBy());
  const referrer = await pushImage(store, app, [], "r", {
    subject: index.digest,
    artifactType: "x/y",
  });
  await store.flush();
  const { mediaType, digest, bytes } = index;
  const entry = { mediaType, digest, size: bytes.byteLength };
  const tagged = (tag: string) => ({ "org.opencontainers.image.ref.name": tag });
  assert.deepEqual(await indexIn(folder), {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      { ...entry, annotations: tagged("a") },
      { ...entry, annotations: tagged("b") },
      {
        ...{ mediaType: referrer.mediaType, digest: referrer.digest },
        ...{ size: referrer.bytes.byteLength, artifactType: "x/y" },
      },
    ],
  });
  await store.deleteManifest(app, { type: "tag", tag: "a" }, callBy());
  await store.flush();
  assert.equal((await indexIn(folder)).manifests.length, 2);
  assert.equal(
    await readFile(`${layout(folder)}/oci-layout`, "utf8"),
    '{"imageLayoutVersion":"1.0.0"}',
  );
});

test("index.json is brought up to date by itself", { timeout: 60_000 }, async () => {
  await using folder = await tempFolder();
  const written = Promise.withResolvers<void>();
  await using store = await openTestStore(
    folder.path,
    {},
    {
      report: (event) => event.type === "index-written" && written.resolve(),
    },
  );
  await pushImage(store, app, ["v1"], "a");
  const keepsRunning = setInterval(() => {}, 1000);
  await written.promise;
  clearInterval(keepsRunning);
  assert.equal((await indexIn(folder)).manifests.length, 1);
});

test("A blob of many repositories is on the disk once", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const bytes = randomBytesOf(1, 1000);
  for (const path of ["a", "b", "c"]) await pushBlob(store, repositoryAt(path), bytes);
  assert.equal((await stat(folder.in("blobs/sha256", hexOf(digestOf(bytes))))).nlink, 4);
});

test("skopeo reads a repository as oci:", { skip: skipWithout("skopeo") }, async () => {
  await using folder = await tempFolder();
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [] },
    }),
  );
  const layers = [1, 2].map((seed) => randomBytesOf(seed, 20_000));
  const manifest = imageOf(config, layers);
  {
    await using store = await openTestStore(folder.path);
    for (const bytes of [config, ...layers]) await pushBlob(store, app, bytes);
    await store.putManifest(app, { manifest, tags: ["v1"] }, callBy());
    await pushImage(store, app, ["v2"], "other");
  }
  const copied = await skopeo(["copy", `oci:${layout(folder)}:v1`, `dir:${folder.in("out")}`]);
  assert.equal(copied.exitCode, 0, copied.stderr);
  assert.deepEqual(await readFile(folder.in("out/manifest.json")), manifest.bytes);
  for (const bytes of layers) {
    assert.deepEqual(await readFile(folder.in("out", hexOf(digestOf(bytes)))), bytes);
  }
});
