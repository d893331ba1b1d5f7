import assert from "node:assert/strict";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../support/engine.ts";
import { imageStore } from "../../support/image-store.ts";
import { layerEntry, layerOf, treeOf } from "../../support/layers.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { imageOfTars } from "../../support/odd-layers.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { randomBytesOf } from "../../support/random.ts";
import { tempFolder } from "../../support/temp.ts";

const layers = [
  layerOf(
    layerEntry({ name: "usr/", type: "5", mode: 0o711 }),
    layerEntry({ name: "usr/lib/", type: "5" }),
    layerEntry({ name: "usr/lib/one" }, "one"),
    layerEntry({ name: "usr/big" }, randomBytesOf(1, 100_000)),
    layerEntry({ name: "lib", type: "2", linkName: "usr/lib" }),
  ),
  // Whose folder is as it is below.
  layerOf(layerEntry({ name: "usr/new" }, "new"), layerEntry({ name: "usr/lib/.wh.gone" })),
  // That need what is below: a file to link to, and a link to go through; on the shared thread, and on one of its own.
  layerOf(layerEntry({ name: "linked", type: "1", linkName: "usr/lib/one" })),
  layerOf(
    layerEntry({ name: "lib/two" }, "two"),
    layerEntry({ name: "big" }, randomBytesOf(2, 100_000)),
  ),
  layerOf(layerEntry({ name: "usr/lib/.wh.one" }), layerEntry({ name: ".wh.big" })),
];

const expected = [
  ["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/one = one"],
  ["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/one = one", "usr/new = new"],
  ["lib -> usr/lib", "linked = one", "usr/", "usr/lib/", "usr/lib/one = one", "usr/new = new"],
  [
    ...["lib -> usr/lib", "linked = one", "usr/", "usr/lib/", "usr/lib/one = one"],
    ...["usr/lib/two = two", "usr/new = new"],
  ],
  ["lib -> usr/lib", "linked = one", "usr/", "usr/lib/", "usr/lib/two = two", "usr/new = new"],
];

test("vfs: every layer's tree is whole, whether or not the layer needs what is below", {
  skip: skipUnprivileged(),
}, async () => {
  await using engine = new Engine();
  await using store = await imageStore("vfs");
  await using folder = await tempFolder();
  await writeLayoutFolder(folder.in("layout"), imageOfTars(layers));
  await engine.copy(`oci:${folder.in("layout")}`, store.reference("whole:1"));
  const open = await store.open();
  const image = await open.findImage("docker.io/library/whole:1");
  const chain = await open.layerChain(image?.topLayer ?? "");
  const trees = chain.map(({ id }) => join(store.root, "vfs/dir", id));
  const listed = trees.map((tree) => treeOf(tree).filter((line) => !line.includes("big = ")));
  assert.deepEqual(listed, expected);
  for (const tree of trees) assert.equal(lstatSync(join(tree, "usr")).mode & 0o7777, 0o711);
  const [one, linked] = ["usr/lib/one", "linked"].map((name) =>
    lstatSync(join(trees[3] ?? "", name)),
  );
  assert.equal(one?.ino, linked?.ino);
  assert.deepEqual(readdirSync(join(store.root, "vfs/tempdirs")), []);
  assert.deepEqual(readdirSync(join(store.root, "vfs-layers/tmp")), []);
});

test("vfs: a lowest layer with an entry that cannot be made is refused, as above another", {
  skip: skipUnprivileged(),
}, async () => {
  await using engine = new Engine();
  await using store = await imageStore("vfs");
  await using folder = await tempFolder();
  const broken = (size: number) =>
    layerOf(
      layerEntry({ name: "fill" }, randomBytesOf(3, size)),
      layerEntry({ name: "hard", type: "1", linkName: "nowhere" }),
    );
  // On the shared thread, and on one of its own.
  for (const size of [10, 100_000]) {
    const path = folder.in(`layout-${size}`);
    await writeLayoutFolder(path, imageOfTars([broken(size)]));
    const copied = engine.copy(`oci:${path}`, store.reference("broken:1"));
    await assert.rejects(copied, { code: "copy.destination-failed" });
  }
  const open = await store.open();
  assert.deepEqual(await open.layers(), []);
});
