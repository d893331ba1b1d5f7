import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import {
  blobAt,
  callBy,
  imageOf,
  indexOf,
  manifestAt,
  openTestStore,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const alpine = repositoryAt("library/alpine", "docker.io");

async function loseDatabase(folder: TempFolder): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(folder.in(`registry.db${end}`), { force: true });
}

test("A database that is lost is made anew from the layouts", async () => {
  await using folder = await tempFolder();
  const images = new Map<ServedRepository, RawManifest>();
  const app = repositoryAt("team/app");
  const config = Buffer.from("{}");
  const upstreams = imageOf(config, []);
  let index: RawManifest;
  let referrer: RawManifest;
  {
    await using store = await openTestStore(folder.path);
    for (const path of ["a", "a/blobs/index.json", "a/oci-layout"]) {
      const repository = repositoryAt(path);
      images.set(repository, await pushImage(store, repository, ["v1", "v2"], path));
    }
    index = indexOf([await pushImage(store, app, [], "i")]);
    await store.putManifest(app, { manifest: index, tags: ["list"] }, callBy());
    referrer = await pushImage(store, app, [], "r", { subject: index.digest, artifactType: "x/y" });
    const fill = await store.cache.beginFill(alpine, digestOf(config), 2);
    assert.ok(fill !== "held");
    await fill.append(config);
    await fill.finish();
    await fill[Symbol.asyncDispose]();
    await store.cache.keepManifest(alpine, upstreams, { tags: ["3"], checkedAt: 1 });
  }
  const pushed = await readFile(
    folder.in("repositories/registry.example_5000/team/app/index.json"),
  );
  await loseDatabase(folder);
  await using store = await openTestStore(folder.path);
  for (const [repository, image] of images) {
    assert.deepEqual(await manifestAt(store, repository, "v1"), image);
    assert.deepEqual(await manifestAt(store, repository, "v2"), image);
    const { layers } = JSON.parse(Buffer.from(image.bytes).toString());
    assert.ok(await blobAt(store, repository, layers[0].digest));
  }
  assert.deepEqual(await manifestAt(store, app, "list"), index);
  const [instance] = JSON.parse(Buffer.from(index.bytes).toString()).manifests;
  assert.ok(await manifestAt(store, app, instance.digest));
  const [listed] = await store.listReferrers(app, index.digest, callBy());
  assert.equal(listed?.digest, referrer.digest);
  assert.equal(listed?.artifactType, "x/y");
  assert.deepEqual(await manifestAt(store, alpine, "3"), upstreams);
  await store.flush();
  assert.deepEqual(
    await readFile(folder.in("repositories/registry.example_5000/team/app/index.json")),
    pushed,
  );
  assert.equal((await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: -1 })).blobs, 1);
});

test("Of layouts that are not whole, what is whole is read", async () => {
  await using folder = await tempFolder();
  const app = repositoryAt("app");
  const layout = folder.in("repositories/registry.example_5000/app");
  let image: RawManifest;
  {
    await using store = await openTestStore(folder.path);
    image = await pushImage(store, app, ["good", "missing", "damaged"], "a");
    await pushImage(store, app, ["missing"], "b");
    await pushImage(store, app, ["damaged"], "c");
  }
  const { manifests } = JSON.parse(await readFile(`${layout}/index.json`, "utf8"));
  const blobOf = (tag: string) => {
    const name = "org.opencontainers.image.ref.name";
    const entry = manifests.find(
      ({ annotations }: { annotations: Record<string, string> }) => annotations[name] === tag,
    );
    return `${layout}/blobs/sha256/${hexOf(entry.digest)}`;
  };
  await rm(blobOf("missing"));
  await writeFile(blobOf("damaged"), "{}");
  await mkdir(folder.in("repositories/No Name/x"), { recursive: true });
  await writeFile(folder.in("repositories/No Name/x/oci-layout"), "");
  await mkdir(folder.in("repositories/x.example/broken"), { recursive: true });
  await writeFile(folder.in("repositories/x.example/broken/oci-layout"), "");
  await writeFile(folder.in("repositories/x.example/broken/index.json"), "{");
  await loseDatabase(folder);
  await using store = await openTestStore(folder.path);
  assert.deepEqual(await store.listTags(app, { limit: 9 }, callBy()), {
    ...{ names: ["good"], more: false },
  });
  assert.deepEqual(await manifestAt(store, app, "good"), image);
});
