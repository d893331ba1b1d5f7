import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { handLayer } from "../support/hand-layer.ts";
import { putHandImage, putLayers, tempStore, storeTest as test } from "../support/temp-store.ts";

const base = { "etc/name": "base" };
const foo = "docker.io/library/foo:latest";

test("images of an additional store are found, and its layers built upon, but nothing of it changed", async () => {
  await using shared = await tempStore("overlay");
  await using temp = await tempStore("overlay");
  const image = await putHandImage(await shared.open(), [base], [foo]);
  const before = readFileSync(shared.in("overlay-images/images.json"), "utf8");
  const store = await temp.open({ additional: [shared.in()] });
  const found = await store.findImage(foo);
  assert.equal(found?.area.readOnly, true);
  assert.ok(found && (await store.imageData(found, "manifest")));
  const top = await putLayers(store, [base, { second: "2" }].map(handLayer));
  const chain = await store.layerChain(top);
  assert.deepEqual(
    chain.map(({ area }) => area.readOnly),
    [true, false],
  );
  const link = readFileSync(shared.in("overlay", chain[0]?.id ?? "", "link"), "utf8");
  assert.equal(readFileSync(temp.in("overlay", top, "lower"), "utf8"), `l/${link}`);
  assert.ok(chain[1]);
  assert.deepEqual(await store.treeFolders(chain[1]), [
    temp.in("overlay", top, "diff"),
    shared.in("overlay", image.topLayer ?? "", "diff"),
  ]);
  await assert.rejects(store.deleteImage(image.id), { code: "storage.not-found" });
  await store.addNames(image.id, ["localhost/mine:1"]);
  const own = await store.findImage("localhost/mine:1");
  assert.equal(own?.area.readOnly, false);
  assert.deepEqual(own?.names, ["localhost/mine:1"]);
  assert.equal(own?.topLayer, image.topLayer);
  assert.ok(own && (await store.imageData(own, "manifest")));
  await store.deleteImage(image.id);
  assert.equal((await store.findImage(foo))?.id, image.id);
  assert.equal(readFileSync(shared.in("overlay-images/images.json"), "utf8"), before);
});
