import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { layerBytes } from "../../src/storage/export/layer-bytes.ts";
import type { LayerRecord } from "../../src/storage/layer-record.ts";
import type { Store } from "../../src/storage/store.ts";

/**
 * Asserts that every record has all that it speaks of, and that every layer is read back as it came.
 *
 * @param when told where something is amiss
 */
export async function assertWhole(store: Store, when: string): Promise<void> {
  for (const layer of await store.layers()) await assertLayer(store, layer, when);
  for (const image of await store.images()) {
    assert.ok(image.topLayer && (await store.layerChain(image.topLayer)).length > 0, when);
    for (const key of image.dataNames)
      assert.equal((await store.imageData(image, key))?.length, image.dataSizes.get(key), when);
  }
}

async function assertLayer(store: Store, layer: LayerRecord, when: string): Promise<void> {
  const parts = { folders: await store.treeFolders(layer), tarSplit: store.tarSplitPath(layer) };
  const hash = createHash("sha256");
  for await (const chunk of layerBytes(parts, 0)) hash.update(chunk);
  assert.equal(`sha256:${hash.digest("hex")}`, layer.diffId, when);
  if (store.place.driver === "vfs") return;
  const { home } = layer.area;
  const link = readFileSync(join(home, layer.id, "link"), "utf8");
  const linked = namesIn(join(home, "l")).includes(link) && readlinkSync(join(home, "l", link));
  assert.equal(linked, `../${layer.id}/diff`, when);
}

/** What dead writers left in the store, and no record speaks of: paths in its root, and records of half-made layers. */
export async function leftoversIn(store: Store): Promise<readonly string[]> {
  const { driver, graphroot } = store.place;
  const layers = new Set((await store.layers()).map(({ id }) => id));
  const images = new Set((await store.images()).map(({ id }) => id));
  const strangers = (folder: string, isKnown: (name: string) => boolean) =>
    namesIn(join(graphroot, folder)).flatMap((name) => (isKnown(name) ? [] : `${folder}/${name}`));
  const ofLayer = (name: string) => !isId(name) || layers.has(name.slice(0, 64));
  const ofNothing = () => false;
  const linked = (name: string) =>
    layers.has(
      readlinkSync(join(graphroot, "overlay/l", name)).slice("../".length, -"/diff".length),
    );
  return [
    ...strangers(driver === "vfs" ? "vfs/dir" : "overlay", ofLayer),
    ...(driver === "overlay" ? strangers("overlay/l", linked) : []),
    ...strangers(`${driver}-layers`, (name) => !isDraft(name) && ofLayer(name)),
    ...strangers(`${driver}-images`, (name) => !isDraft(name) && (!isId(name) || images.has(name))),
    ...[...images].flatMap((id) => strangers(`${driver}-images/${id}`, (name) => !isDraft(name))),
    ...strangers(`${driver}/tempdirs`, ofNothing),
    ...strangers(`${driver}-layers/tmp`, ofNothing),
    ...halfMade(join(graphroot, `${driver}-layers/layers.json`)),
  ];
}

function isId(name: string): boolean {
  return /^[0-9a-f]{64}/.test(name);
}

function isDraft(name: string): boolean {
  return name.startsWith(".tmp-");
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function halfMade(path: string): readonly string[] {
  return existsSync(path) && readFileSync(path, "utf8").includes("incomplete") ? [path] : [];
}
