import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { StorageDriver } from "../../src/config/store-place.ts";
import { hexOf } from "../../src/core/digest.ts";
import { handLayer } from "../support/hand-layer.ts";
import { makeImage, type TestImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { putHandImage, type TempStore, tempStore } from "../support/temp-store.ts";

const skip = skipUnprivileged() || skipWithout("podman", "skopeo");
const drivers: readonly StorageDriver[] = ["overlay", "vfs"];
const files = [{ "etc/name": "base", empty: "" }, { "etc/other": "top" }];

for (const driver of drivers) {
  test(`podman and skopeo use and remove what we put into a store of ${driver}`, {
    skip,
  }, async () => {
    await using temp = await tempStore(driver);
    const image = await putHandImage(await temp.open(), files, ["localhost/foo:1"]);
    const out = temp.beside("out");
    await succeeds(temp.skopeo("copy", temp.reference("localhost/foo:1"), `dir:${out}`));
    for (const { tar, diffId } of files.map(handLayer))
      assert.deepEqual(readFileSync(`${out}/${hexOf(diffId)}`), tar);
    const listed = await succeeds(
      temp.podman("images", "--no-trunc", "--format", "{{.ID}} {{.Digest}} {{.Names}}"),
    );
    assert.equal(listed, `sha256:${image.id} ${image.digest} [localhost/foo:1]\n`);
    await succeeds(temp.podman("tag", "localhost/foo:1", "localhost/bar:2"));
    const store = await temp.open();
    assert.equal((await store.findImage("localhost/bar:2"))?.id, image.id);
    const container = (await succeeds(temp.podman("create", "localhost/foo:1", "true"))).trim();
    await assert.rejects(store.deleteImage(image.id), { code: "storage.in-use" });
    await succeeds(temp.podman("rm", container));
    await succeeds(temp.podman("rmi", "--force", image.id));
    assert.deepEqual(await store.images(), []);
    assertNothingLeft(temp);
  });

  test(`we use, name and remove what skopeo put into a store of ${driver}`, { skip }, async () => {
    await using temp = await tempStore(driver);
    const image = makeImage({ type: "oci", layers: 3 });
    writeDir(temp.beside("in"), image);
    await succeeds(
      temp.skopeo("copy", `dir:${temp.beside("in")}`, temp.reference("localhost/foo:1")),
    );
    const store = await temp.open();
    const found = await store.findImage("localhost/foo:1");
    assert.ok(found?.topLayer && image.config);
    assert.equal(found.id, hexOf(image.config.digest));
    assert.equal(found.digest, image.digest);
    assert.deepEqual(await store.imageData(found, "manifest"), Buffer.from(image.bytes));
    assert.equal((await store.imageData(found, image.config.digest))?.length, image.config.size);
    const chain = await store.layerChain(found.topLayer);
    assert.deepEqual(
      chain.map(({ compressedDigest }) => compressedDigest),
      image.layers.map(({ digest }) => digest),
    );
    for (const layer of chain) {
      assert.ok(existsSync(store.tarSplitPath(layer)));
      for (const folder of await store.treeFolders(layer)) assert.ok(existsSync(folder));
    }
    await store.addNames(found.id, ["localhost/mine:1"]);
    const history = () =>
      succeeds(temp.podman("images", "--noheading", "--format", "{{.History}}"));
    const both = "localhost/foo:1, localhost/mine:1\n";
    assert.equal(await history(), both.repeat(2));
    // What podman makes of it next, the way that we would.
    await succeeds(temp.podman("untag", "localhost/mine:1", "localhost/mine:1"));
    assert.equal(await history(), both);
    await store.addNames(found.id, ["localhost/mine:1"]);
    await store.removeNames(found.id, ["localhost/foo:1"]);
    const names = await succeeds(temp.podman("images", "--format", "{{.Names}} {{.History}}"));
    assert.equal(names, "[localhost/mine:1] localhost/mine:1, localhost/foo:1\n");
    await store.deleteImage(found.id);
    assert.equal(await succeeds(temp.podman("images", "--all", "--quiet")), "");
    assertNothingLeft(temp);
  });
}

async function succeeds(running: ReturnType<TempStore["podman"]>): Promise<string> {
  const { exitCode, stdout, stderr } = await running;
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** An image in the form of `dir:`. */
function writeDir(folder: string, image: TestImage): void {
  mkdirSync(folder);
  writeFileSync(`${folder}/version`, "Directory Transport Version: 1.1\n");
  writeFileSync(`${folder}/manifest.json`, image.bytes);
  for (const [digest, bytes] of image.blobs)
    writeFileSync(`${folder}/${digest.slice("sha256:".length)}`, bytes);
}

/** No layer, no link to one, no image's folder. */
function assertNothingLeft(temp: TempStore): void {
  const { driver } = temp.place;
  const trees = driver === "vfs" ? ["vfs/dir"] : ["overlay", "overlay/l"];
  for (const folder of [...trees, `${driver}-layers`, `${driver}-images`]) {
    const left = readdirSync(temp.in(folder)).filter((name) =>
      /^[0-9a-f]{64}|^[A-Z2-7]{26}$/.test(name),
    );
    assert.deepEqual(left, [], folder);
  }
}
