import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import type { StorageDriver } from "../../src/config/store-place.ts";
import { hexOf } from "../../src/core/digest.ts";
import { makeImage, type TestImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { randomBytesOf } from "../support/random.ts";
import { startRegistry } from "../support/registry.ts";
import type { RunOptions, RunResult } from "../support/run.ts";
import { cliHome } from "../support/run-cli.ts";
import { type TempStore, tempStore } from "../support/temp-store.ts";
import { assertWhole, leftoversIn } from "../support/whole-store.ts";

const skip = skipUnprivileged() || skipWithout("podman");
const count = process.env["AMPHORA_SOAK"] === "1" ? 30 : 2;
const images: Readonly<Record<string, TestImage>> = {
  "localhost/old:1": makeImage({ seed: 150, type: "oci", layers: 2 }),
  "localhost/new:1": makeImage({ seed: 151, type: "oci", layers: 5, layerBytes: 1_500_000 }),
};
const [oldName, newName] = ["localhost/old:1", "localhost/new:1"] as const;

for (const driver of ["overlay", "vfs"] as const) {
  test(`a copy into ${driver} that is killed at any moment loses nothing, and can be done again`, {
    skip,
    timeout: 1_800_000,
  }, async (context) => {
    await using scene = await start(driver);
    const { temp, copy } = scene;
    succeeded(await copy(oldName));
    const took = await duration(scene);
    const seed = randomInt(2 ** 31);
    context.diagnostic(`seed ${seed}, ${count} moments of ${took} ms`);
    for (const [index, part] of partsOf(seed).entries()) {
      const timeoutMs = Math.ceil(part * took);
      const { signal } = await copy(newName, { timeoutMs });
      const when = `${signal ?? "ended"} after ${timeoutMs} ms`;
      if (index % 2 === 0) await assertPodmanFinds(temp, oldName, when);
      else await assertHas(temp, [oldName, ...(await newIfNamed(temp))], when);
      succeeded(await copy(newName));
      await assertHas(temp, [oldName, newName], when);
      await assertPodmanFinds(temp, newName, when);
      await remove(temp, newName, index % 2 === 0);
      await assertHas(temp, [oldName], when);
    }
  });
}

interface Scene extends AsyncDisposable {
  readonly temp: TempStore;
  /** Copies an image from the registry into the store, as the program does it. */
  copy(name: string, options?: RunOptions): Promise<RunResult>;
}

async function start(driver: StorageDriver): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const home = stack.use(await cliHome());
  const temp = stack.use(await tempStore(driver));
  for (const [name, image] of Object.entries(images)) registry.seed(name.slice(0, -2), "1", image);
  const from = (name: string) => `docker://${registry.host}/${name}`;
  const args = ["copy", "-q", "--src-tls-verify=false"];
  const held = stack.move();
  return {
    temp,
    copy: (name, options) => home.run([...args, from(name), temp.reference(name)], options),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Milliseconds that the copy takes when nobody kills it; the shorter of two. */
async function duration({ temp, copy }: Scene): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 2; n++) {
    const begun = performance.now();
    succeeded(await copy(newName));
    shortest = Math.min(shortest, performance.now() - begun);
    await remove(temp, newName, true);
  }
  return Math.ceil(shortest);
}

/** Where in the time that a copy takes: numbers from 0 to 1. */
function partsOf(seed: number): readonly number[] {
  const bytes = randomBytesOf(seed, 4 * count);
  return Array.from({ length: count }, (_, index) => bytes.readUInt32LE(4 * index) / 2 ** 32);
}

/** The new image where it was named before its writer was killed: then it is to be whole. */
async function newIfNamed(temp: TempStore): Promise<readonly string[]> {
  const found = await (await temp.open()).images();
  return found.some((image) => image.names.includes(newName)) ? [newName] : [];
}

/** The next of us finds these images and no others, byte for byte, and clears away all else. */
async function assertHas(temp: TempStore, names: readonly string[], when: string): Promise<void> {
  const store = await temp.open();
  await assertWhole(store, when);
  const found = await store.images();
  assert.deepEqual(found.flatMap((image) => image.names).sort(), [...names].sort(), when);
  for (const name of names) {
    const [image, expected] = [await store.findImage(name), images[name]];
    assert.ok(image?.topLayer && expected?.config, when);
    assert.equal(image.id, hexOf(expected.config.digest), when);
    assert.deepEqual(await store.imageData(image, "manifest"), Buffer.from(expected.bytes), when);
    const blobs = (await store.layerChain(image.topLayer)).map((layer) => layer.compressedDigest);
    const digests = expected.layers.map(({ digest }) => digest);
    assert.deepEqual(blobs, digests, when);
  }
  assert.deepEqual(await leftoversIn(store), [], when);
}

async function assertPodmanFinds(temp: TempStore, name: string, when: string): Promise<void> {
  const listed = await temp.podman("images", "--all", "--digests", "--no-trunc");
  assert.equal(listed.exitCode, 0, `${when}: ${listed.stderr}`);
  assert.ok(listed.stdout.includes(images[name]?.digest ?? ""), when);
  const inspected = await temp.podman("image", "inspect", name);
  assert.equal(inspected.exitCode, 0, `${when}: ${inspected.stderr}`);
}

async function remove(temp: TempStore, name: string, byPodman: boolean): Promise<void> {
  if (byPodman) return succeeded(await temp.podman("rmi", name));
  const store = await temp.open();
  await store.deleteImage((await store.findImage(name))?.id ?? "");
}

function succeeded({ exitCode, stderr }: RunResult): void {
  assert.equal(exitCode, 0, stderr);
}
