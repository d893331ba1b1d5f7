import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
} from "node:fs";
import { openStore } from "../../src/storage/open-store.ts";
import { handLayer } from "../support/hand-layer.ts";
import {
  handImage,
  putHandImage,
  putLayers,
  tempStore,
  storeTest as test,
} from "../support/temp-store.ts";

const base = { "etc/name": "base", empty: "" };
const top = { "etc/other": "top" };
const foo = "docker.io/library/foo:latest";
const bar = "localhost/bar:v1";

for (const driver of ["overlay", "vfs"] as const) {
  test(`an image put into a store of ${driver} is read from it`, async () => {
    await using temp = await tempStore(driver);
    const store = await temp.open();
    const put = await putHandImage(store, [base, top], [foo, bar]);
    const reader = await openStore(temp.place, {
      signal: AbortSignal.timeout(60_000),
      readOnly: true,
    });
    const image = await reader.findImage(foo);
    assert.ok(image);
    const { id, names, namesHistory, digest, metadata, created, dataNames } = image;
    assert.deepEqual(
      { id, names, namesHistory, digest, metadata, created, dataNames },
      {
        id: put.id,
        names: [foo, bar],
        namesHistory: [bar, foo],
        digest: put.digest,
        metadata: "{}",
        created: put.created,
        dataNames: [...put.data.keys()],
      },
    );
    for (const [key, bytes] of put.data) {
      assert.deepEqual(await reader.imageData(image, key), Buffer.from(bytes));
      assert.equal(image.dataSizes.get(key), bytes.byteLength);
    }
    assert.equal(await reader.imageData(image, "signatures"), undefined);
    for (const text of [bar, put.id, put.id.slice(0, 12), put.id.slice(0, 1)])
      assert.equal((await reader.findImage(text))?.id, put.id);
    for (const text of ["", "localhost/bar", "zzz"])
      assert.equal(await reader.findImage(text), undefined);
    const chain = await reader.layerChain(put.topLayer ?? "");
    assert.deepEqual(
      chain.map(({ diffId, diffSize }) => [diffId, diffSize]),
      [base, top].map(handLayer).map(({ diffId, tar }) => [diffId, tar.length]),
    );
    const [lowest, topmost] = chain;
    assert.ok(lowest && topmost);
    const folders = await reader.treeFolders(topmost);
    assert.equal(folders.length, driver === "overlay" ? 2 : 1);
    assert.ok(folders.some((folder) => existsSync(`${folder}/etc/name`)));
    assert.ok(existsSync(`${folders[0]}/etc/other`));
    assert.ok(existsSync(reader.tarSplitPath(lowest)));
    for (const layer of chain)
      assert.equal(lstatSync(layer.area.tree(layer.id)).mode & 0o7777, 0o555);
  });
}

test("an overlay layer has all that overlay wants beside its tree", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const layers = [base, top, { third: "3" }].map(handLayer);
  const chain = await store.layerChain(await putLayers(store, layers));
  const links = chain.map(({ id }) => readFileSync(temp.in("overlay", id, "link"), "utf8"));
  for (const [index, { id }] of chain.entries()) {
    assert.match(links[index] ?? "", /^[A-Z2-7]{26}$/);
    assert.equal(readlinkSync(temp.in("overlay/l", links[index] ?? "")), `../${id}/diff`);
    assert.deepEqual(
      readdirSync(temp.in("overlay", id)).sort(),
      [...(index === 0 ? ["empty"] : ["lower"]), "diff", "link", "merged", "work"].sort(),
    );
  }
  const lower = (index: number) =>
    readFileSync(temp.in("overlay", chain[index]?.id ?? "", "lower"), "utf8");
  assert.equal(lower(1), `l/${links[0]}`);
  assert.equal(lower(2), `l/${links[1]}:l/${links[0]}`);
  assert.equal(readFileSync(temp.in("overlay/.has-mount-program"), "utf8"), "false");
  assert.deepEqual(readdirSync(temp.in("overlay/tempdirs")), []);
  assert.deepEqual(readdirSync(temp.in("overlay-layers/tmp")), []);
});

test("a layer's root folder has its parent's mode, unless its tar said another", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const [first, second] = [base, top].map(handLayer);
  assert.ok(first && second);
  await using staged = await store.stageLayer();
  first.fill(staged);
  chmodSync(staged.folder, 0o1751);
  await store.commitLayer(staged, { ...first.over(undefined), rootSet: true });
  await using child = await store.stageLayer();
  second.fill(child);
  const recorded = second.over(first.over(undefined).id);
  await store.commitLayer(child, recorded);
  assert.equal(lstatSync(temp.in("overlay", recorded.id, "diff")).mode & 0o7777, 0o1751);
});

test("a name stands for one image: it is taken from the one that had it", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const one = await putHandImage(store, [base], [foo, bar]);
  const two = await putHandImage(store, [base, top], [foo]);
  assert.equal((await store.findImage(foo))?.id, two.id);
  assert.deepEqual((await store.findImage(one.id))?.names, [bar]);
  await store.addNames(one.id, [foo, "localhost/new:1"]);
  await store.removeNames(one.id, [bar, "localhost/never:1"]);
  const image = await store.findImage(one.id);
  assert.deepEqual(image?.names, [foo, "localhost/new:1"]);
  assert.deepEqual(image?.namesHistory, ["localhost/new:1", foo, bar]);
  assert.deepEqual((await store.findImage(two.id))?.names, []);
  await assert.rejects(store.addNames("f".repeat(64), [foo]), { code: "storage.not-found" });
  await assert.rejects(store.removeNames("f".repeat(64), [foo]), { code: "storage.not-found" });
});

test("an image that is there gets other data and more names, but no other layers", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  const signatures = Buffer.from("signed");
  const metadata = '{"signature-sizes":[6]}';
  const data = new Map([...image.data, ["signatures", signatures] as const]);
  await store.putImage({ ...image, names: [bar], data, metadata });
  const found = await store.findImage(foo);
  assert.deepEqual(found?.names, [bar, foo]);
  assert.equal(found?.metadata, metadata);
  assert.deepEqual(found?.dataNames, [...image.data.keys(), "signatures"]);
  assert.deepEqual(found && (await store.imageData(found, "signatures")), signatures);
  const other = await putLayers(store, [base, top].map(handLayer));
  await assert.rejects(store.putImage({ ...image, topLayer: other }), { code: "storage.conflict" });
});

test("an image without layers, and one whose time cannot be read, are recorded all the same", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const image = { ...handImage([], "", [foo]), topLayer: undefined, created: "long ago" };
  await store.putImage(image);
  const found = await store.findImage(foo);
  assert.equal(found?.topLayer, undefined);
  assert.match(found?.created ?? "", /^20\d\d-/);
});

test("what was removed meanwhile is told, so that it can be made again", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  const layer = handLayer(top);
  const recorded = layer.over(image.topLayer);
  await using staged = await store.stageLayer();
  layer.fill(staged);
  await store.deleteImage(image.id);
  await assert.rejects(store.commitLayer(staged, recorded), { code: "storage.parent-gone" });
  await assert.rejects(store.layBase(staged, { parent: image.topLayer ?? "" }), {
    code: "storage.parent-gone",
  });
  await assert.rejects(store.putImage(image), { code: "storage.parent-gone" });
  assert.equal(await store.findImage(foo), undefined);
  await putLayers(store, [handLayer(base)]);
  assert.equal(await store.commitLayer(staged, recorded), "committed");
});

test("of several who make the same layer one does, and all go on", async () => {
  await using temp = await tempStore("overlay");
  const stores = await Promise.all(Array.from({ length: 4 }, () => temp.open()));
  const layer = handLayer(base);
  const outcomes = await Promise.all(
    stores.map(async (store) => {
      await using staged = await store.stageLayer();
      layer.fill(staged);
      return await store.commitLayer(staged, layer.over(undefined));
    }),
  );
  assert.deepEqual(outcomes.sort(), [
    "already-there",
    "already-there",
    "already-there",
    "committed",
  ]);
  assert.equal((await stores[0]?.layers())?.length, 1);
  assert.deepEqual(readdirSync(temp.in("overlay/tempdirs")), []);
});

test("opened for reading only, a store that is not there stays so, and is empty", async () => {
  await using temp = await tempStore("overlay");
  const store = await openStore(temp.place, {
    signal: AbortSignal.timeout(60_000),
    readOnly: true,
  });
  assert.deepEqual(await store.images(), []);
  assert.deepEqual(await store.layers(), []);
  assert.equal(existsSync(temp.in()), false);
});

for (const changes of [
  { imageStore: "/elsewhere" },
  { readOnlyBecause: ["force_mask"] },
  { readOnlyBecause: ["use_composefs"] },
]) {
  test(`a store with ${JSON.stringify(changes)} is not written`, async () => {
    await using temp = await tempStore("overlay");
    await assert.rejects(temp.open(changes), { code: "storage.unsupported" });
    assert.equal(existsSync(temp.in()), false);
  });
}

test("a store that keeps images apart from its root is read", async () => {
  await using temp = await tempStore("overlay");
  const { place } = temp;
  const image = await putHandImage(await temp.open(), [base], [foo]);
  const root = temp.beside("graph");
  mkdirSync(`${root}/overlay-layers`, { recursive: true });
  cpSync(temp.in("overlay-layers"), `${root}/overlay-layers`, { recursive: true });
  renameSync(`${root}/overlay-layers/layers.json`, `${root}/ignored.json`);
  const split = { ...place, graphroot: root, imageStore: place.graphroot };
  const store = await openStore(split, { signal: AbortSignal.timeout(60_000), readOnly: true });
  const [layer] = await store.layerChain((await store.findImage(foo))?.topLayer ?? "");
  assert.ok(layer);
  assert.equal(layer.id, image.topLayer);
  assert.equal(store.tarSplitPath(layer), `${root}/overlay-layers/${layer.id}.tar-split.gz`);
  assert.deepEqual(await store.treeFolders(layer), [temp.in("overlay", layer.id, "diff")]);
});
