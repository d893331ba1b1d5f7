import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { handLayer } from "../support/hand-layer.ts";
import {
  editJson,
  putHandImage,
  putLayers,
  type TempStore,
  tempStore,
  storeTest as test,
} from "../support/temp-store.ts";

const base = { "etc/name": "base" };
const top = { "etc/other": "top" };
const foo = "docker.io/library/foo:latest";
const bar = "localhost/bar:v1";
const created = "2024-01-01T00:00:00Z";

/** What is in the folders where layers and images have something of theirs. */
function remains(temp: TempStore): readonly string[] {
  const { driver } = temp.place;
  const home = driver === "vfs" ? ["vfs/dir"] : ["overlay", "overlay/l"];
  const folders = [...home, `${driver}-layers`, `${driver}-images`, `${driver}/tempdirs`];
  const usual = /^(?:l|tempdirs|tmp|\.has-mount-program|.*\.(?:json|lock))$/;
  return folders
    .flatMap((folder) => (existsSync(temp.in(folder)) ? readdirSync(temp.in(folder)) : []))
    .filter((name) => !usual.test(name));
}

for (const driver of ["overlay", "vfs"] as const) {
  test(`an image goes from a store of ${driver} with all that only it needs`, async () => {
    await using temp = await tempStore(driver);
    const store = await temp.open();
    const one = await putHandImage(store, [base], [foo]);
    const two = await putHandImage(store, [base, top], [bar]);
    await store.deleteImage(two.id);
    assert.deepEqual(
      (await store.layers()).map(({ id }) => id),
      [one.topLayer],
    );
    assert.equal(await store.findImage(bar), undefined);
    await store.deleteImage(one.id);
    assert.deepEqual(await store.layers(), []);
    assert.deepEqual(remains(temp), []);
  });
}

test("layers stay that another image, a container or another layer needs", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const one = await putHandImage(store, [base], [foo]);
  const over = await putLayers(store, [base, top].map(handLayer));
  await store.deleteImage(one.id);
  assert.equal((await store.layers()).length, 2);
  const two = await putHandImage(store, [base, top], [foo]);
  const containers = temp.in("vfs-containers/containers.json");
  editJson(containers, (all) => all.push({ id: "c", image: "other", layer: over, created }));
  await store.deleteImage(two.id);
  assert.equal((await store.layers()).length, 2);
});

for (const place of ["containers.json", "volatile-containers.json"] as const) {
  for (const root of ["graphroot", "runroot"] as const) {
    test(`an image stays that a container in ${place} of ${root} has`, async () => {
      await using temp = await tempStore("vfs");
      const store = await temp.open();
      const image = await putHandImage(store, [base], [foo]);
      editJson(join(temp.place[root], "vfs-containers", place), (all) =>
        all.push({ id: "c", image: image.id, layer: "rw", created }),
      );
      await assert.rejects(store.deleteImage(image.id), { code: "storage.in-use" });
      assert.equal((await store.findImage(foo))?.id, image.id);
    });
  }
}

test("a layer stays upon which a volatile one lies", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  editJson(temp.in("overlay-layers/volatile-layers.json"), (all) =>
    all.push({ id: "rw", parent: image.topLayer, created }),
  );
  await store.deleteImage(image.id);
  assert.ok(await store.hasLayer(image.topLayer ?? ""));
});

test("an image stays of which a layer is mounted", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  const mounts = join(temp.place.runroot, "overlay-layers/mountpoints.json");
  editJson(mounts, (all) => all.push({ id: image.topLayer, path: "/m", count: 1 }));
  await assert.rejects(store.deleteImage(image.id), { code: "storage.in-use" });
  assert.ok(await store.findImage(foo));
  editJson(mounts, (all) => all.splice(0, 1, { id: image.topLayer, path: "/m", count: 0 }));
  await store.deleteImage(image.id);
  assert.deepEqual(remains(temp), []);
});

test("mapped copies of the top layer go with the image", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const image = await putHandImage(store, [base, top], [foo]);
  const [first] = await store.layerChain(image.topLayer ?? "");
  editJson(temp.in("vfs-layers/layers.json"), (all) =>
    all.push({ id: "mapped", parent: first?.id, created, uidmap: [{ container_id: 0 }] }),
  );
  editJson(temp.in("vfs-images/images.json"), ([record]) => {
    if (record) record["mapped-layers"] = ["mapped"];
  });
  await store.deleteImage(image.id);
  assert.deepEqual(await store.layers(), []);
  await assert.rejects(store.deleteImage(image.id), { code: "storage.not-found" });
});
