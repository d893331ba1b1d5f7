import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../support/engine.ts";
import { imageStore } from "../../support/image-store.ts";
import { layerEntry, layerOf } from "../../support/layers.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { imageOfTars } from "../../support/odd-layers.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { tempFolder } from "../../support/temp.ts";

test("a stored image is not copied with a file of another content, and the file is named", {
  skip: skipUnprivileged(),
}, async () => {
  await using engine = new Engine();
  await using store = await imageStore("vfs");
  await using folder = await tempFolder();
  const layer = layerOf(layerEntry({ name: "one" }, "one"), layerEntry({ name: "two" }, "two"));
  await writeLayoutFolder(folder.in("layout"), imageOfTars([layer]));
  await engine.copy(`oci:${folder.in("layout")}`, store.reference("changed:1"));
  const open = await store.open();
  const image = await open.findImage("docker.io/library/changed:1");
  const [{ id } = { id: "" }] = await open.layerChain(image?.topLayer ?? "");
  writeFileSync(join(store.root, "vfs/dir", id, "two"), "owt");
  const copying = engine.copy(store.reference("changed:1"), `oci:${folder.in("copied")}:1`);
  await assert.rejects(copying, (error: Error) => {
    const told = [error, error.cause].map(String).join("\n");
    assert.match(told, /file "two": it has another content/);
    return true;
  });
});
