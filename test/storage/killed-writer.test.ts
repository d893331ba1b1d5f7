import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { StorageDriver } from "../../src/config/store-place.ts";
import type { Store } from "../../src/storage/store.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { run } from "../support/run.ts";
import { putHandImage, type TempStore, tempStore } from "../support/temp-store.ts";

const program = fileURLToPath(import.meta.resolve("../support/store-writing.ts"));
const killer = import.meta.resolve("../support/kill-at.ts");
const skip = skipUnprivileged() || skipWithout("podman");
/** All points take minutes: `npm run soak` is there for that. */
const isSoak = process.env["AMPHORA_SOAK"] === "1";
const samples = { overlay: 3, vfs: 1 };

for (const driver of ["overlay", "vfs"] as const) {
  test(`a writer of ${driver} that is killed anywhere leaves a store that all can use`, {
    skip,
  }, async () => {
    await using other = await tempStore(driver);
    await putOldImage(other);
    const { calls } = await write(other);
    const count = isSoak ? calls : samples[driver];
    for (let index = 0; index < count; index++)
      await killAndLook(driver, Math.floor(((index + 0.5) * calls) / count), index % 2 === 0);
  });
}

/** What podman finds, or makes of it before we look: both ways round. */
async function killAndLook(driver: StorageDriver, at: number, podmanFirst: boolean): Promise<void> {
  await using temp = await tempStore(driver);
  await putOldImage(temp);
  assert.equal((await write(temp, at)).killed, true);
  if (podmanFirst) await assertPodmanLoads(temp, at);
  await assertWhole(await temp.open(), temp, at);
  if (!podmanFirst) await assertPodmanLoads(temp, at);
  await write(temp);
  const store = await temp.open();
  await assertWhole(store, temp, at);
  assert.deepEqual(
    (await store.images()).map(({ names }) => names),
    [["localhost/new:2"]],
  );
}

async function putOldImage(temp: TempStore): Promise<void> {
  const files = [{ "etc/name": "base" }, { old: "old" }];
  await putHandImage(await temp.open(), files, ["localhost/old:1"]);
}

async function write({ place }: TempStore, killAt = -1) {
  const args = ["--import", killer, program, JSON.stringify(place)];
  const result = await run(process.execPath, args, { env: { KILL_AT: String(killAt) } });
  assert.equal(result.stderr, "");
  return { killed: result.signal === "SIGKILL", calls: Number(result.stdout) };
}

async function assertPodmanLoads(temp: TempStore, at: number): Promise<void> {
  const { exitCode, stderr } = await temp.podman("images", "--all", "--digests");
  assert.equal(exitCode, 0, `killed at ${at}: ${stderr}`);
}

/** Every record has all that it speaks of, and nothing lies about that no record speaks of. */
async function assertWhole(store: Store, temp: TempStore, at: number): Promise<void> {
  const layers = await store.layers();
  for (const layer of layers) {
    assert.ok(existsSync(store.tarSplitPath(layer)), `killed at ${at}`);
    for (const folder of await store.treeFolders(layer)) assert.ok(existsSync(folder));
    if (temp.place.driver === "overlay") assertLinked(temp, layer.id);
  }
  for (const image of await store.images()) {
    assert.ok(image.topLayer && (await store.layerChain(image.topLayer)).length > 0);
    for (const key of image.dataNames)
      assert.equal((await store.imageData(image, key))?.length, image.dataSizes.get(key));
  }
  const ids = new Set(layers.map(({ id }) => id));
  const { driver } = temp.place;
  const folders = readdirSync(temp.in(driver === "vfs" ? "vfs/dir" : "overlay"));
  assert.deepEqual(
    folders.filter((name) => /^[0-9a-f]{64}$/.test(name)).sort(),
    [...ids].sort(),
    `killed at ${at}`,
  );
  for (const place of [`${driver}/tempdirs`, `${driver}-layers/tmp`])
    assert.deepEqual(existsSync(temp.in(place)) ? readdirSync(temp.in(place)) : [], []);
  if (driver === "overlay") assert.equal(readdirSync(temp.in("overlay/l")).length, ids.size);
  const records = readFileSync(temp.in(`${driver}-layers/layers.json`), "utf8");
  assert.equal(records.includes("incomplete"), false);
}

function assertLinked(temp: TempStore, id: string): void {
  const link = readFileSync(temp.in("overlay", id, "link"), "utf8");
  assert.equal(readlinkSync(temp.in("overlay/l", link)), `../${id}/diff`);
}
