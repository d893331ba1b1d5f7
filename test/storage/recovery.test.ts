import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openStore } from "../../src/storage/open-store.ts";
import { handLayer } from "../support/hand-layer.ts";
import {
  editJson,
  putHandImage,
  putLayers,
  tempStore,
  storeTest as test,
} from "../support/temp-store.ts";

const base = { "etc/name": "base" };
const foo = "docker.io/library/foo:latest";
const half = "a".repeat(64);
const created = "2024-01-01T00:00:00Z";

test("a layer that was left half made is not there for readers, and removed by writers", async () => {
  await using temp = await tempStore("overlay");
  await putHandImage(await temp.open(), [base], [foo]);
  const json = temp.in("overlay-layers/layers.json");
  editJson(json, (all) => all.push({ id: half, created, flags: { incomplete: true } }));
  mkdirSync(temp.in("overlay", half, "diff/etc"), { recursive: true });
  mkdirSync(temp.in("overlay-layers", half));
  writeFileSync(temp.in("overlay-layers", `${half}.tar-split.gz`), "");
  // Made, but the layer does not say so yet.
  symlinkSync(`../${half}/diff`, temp.in("overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
  const reader = await openStore(temp.place, {
    signal: AbortSignal.timeout(60_000),
    readOnly: true,
  });
  assert.equal(await reader.hasLayer(half), undefined);
  assert.ok(readFileSync(json, "utf8").includes(half));
  await temp.open();
  assert.equal(readFileSync(json, "utf8").includes(half), false);
  for (const path of [
    ["overlay", half],
    ["overlay-layers", half],
    ["overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
  ])
    assert.equal(existsSync(temp.in(...path)), false, path.join("/"));
  assert.deepEqual(
    readdirSync(temp.in("overlay-layers")).filter((name) => name.startsWith(half)),
    [],
  );
  assert.equal((await reader.layers()).length, 1);
});

test("a link that leads to no layer goes, and no other", async () => {
  await using temp = await tempStore("overlay");
  await putHandImage(await temp.open(), [base], [foo]);
  const [kept = ""] = readdirSync(temp.in("overlay/l"));
  symlinkSync(`../${half}/diff`, temp.in("overlay/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
  symlinkSync("../elsewhere", temp.in("overlay/l/BCDEFGHIJKLMNOPQRSTUVWXYZA"));
  await temp.open();
  assert.deepEqual(
    readdirSync(temp.in("overlay/l")).sort(),
    [kept, "BCDEFGHIJKLMNOPQRSTUVWXYZA"].sort(),
  );
});

test("data of an image without a record goes, but not where all records are gone", async () => {
  await using temp = await tempStore("vfs");
  const store = await temp.open();
  const stray = temp.in("vfs-images", half);
  mkdirSync(stray);
  writeFileSync(join(stray, "manifest"), "{}");
  await temp.open();
  assert.ok(existsSync(stray));
  const { id } = await putHandImage(store, [base], [foo]);
  await temp.open();
  assert.equal(existsSync(stray), false);
  assert.ok(existsSync(temp.in("vfs-images", id, "manifest")));
});

test("what lies where a layer is to be, without a record, makes room for it", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const layer = handLayer(base);
  const { id } = layer.over(undefined);
  mkdirSync(temp.in("overlay", id, "diff/old"), { recursive: true });
  await putLayers(store, [layer]);
  assert.deepEqual(readdirSync(temp.in("overlay", id, "diff")), ["etc"]);
});

test("folders of dead writers go, those of living ones stay", async () => {
  await using temp = await tempStore("overlay");
  const living = await temp.open();
  await using staged = await living.stageLayer();
  const folders = ["overlay/tempdirs", "overlay-layers/tmp"].map((name) => temp.in(name));
  const names = folders.map((folder) => readdirSync(folder).sort());
  for (const folder of folders) {
    mkdirSync(`${folder}/temp-dir-1/0-addition/sub`, { recursive: true });
    writeFileSync(`${folder}/lock-1`, "");
    mkdirSync(`${folder}/temp-dir-without-lock`);
    writeFileSync(`${folder}/lock-without-folder`, "");
  }
  await temp.open();
  assert.deepEqual(
    folders.map((folder) => readdirSync(folder).sort()),
    names,
  );
  assert.ok(existsSync(staged.folder));
});

test("an ID that would lead out of the store is refused before anything is removed", async () => {
  await using temp = await tempStore("overlay");
  await putHandImage(await temp.open(), [base], [foo]);
  mkdirSync(temp.beside("precious"));
  editJson(temp.in("overlay-layers/layers.json"), (all) =>
    all.push({ id: "../../precious", created, flags: { incomplete: true } }),
  );
  await assert.rejects(temp.open(), { code: "storage.invalid" });
  assert.ok(existsSync(temp.beside("precious")));
});

test("a store is not written whose records cannot be read", async () => {
  await using temp = await tempStore("overlay");
  const store = await temp.open();
  const image = await putHandImage(store, [base], [foo]);
  const json = temp.in("overlay-images/images.json");
  writeFileSync(json, readFileSync(json, "utf8").replace(/"created":"[^"]*"/, '"created":"2020"'));
  const before = readFileSync(json, "utf8");
  await assert.rejects(store.addNames(image.id, ["localhost/x:1"]), { code: "storage.invalid" });
  await assert.rejects(store.putImage(image), { code: "storage.invalid" });
  assert.equal(readFileSync(json, "utf8"), before);
});
