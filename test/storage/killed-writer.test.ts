import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { run } from "../support/run.ts";
import { writeStore } from "../support/store-writing.ts";
import { putHandImage, type TempStore, tempStore } from "../support/temp-store.ts";
import { assertWhole, leftoversIn } from "../support/whole-store.ts";

const program = fileURLToPath(import.meta.resolve("../support/store-writing.ts"));
const killer = import.meta.resolve("../support/kill-at.ts");
const skip = skipUnprivileged() || skipWithout("podman");
const isSoak = process.env["AMPHORA_SOAK"] === "1";
const drivers = ["overlay", "vfs"] as const;
const samples = { overlay: 3, vfs: 1 };

for (const driver of drivers) {
  test(`a writer of ${driver} that is killed anywhere leaves a store that all can use`, {
    skip,
  }, async () => {
    await using other = await tempStore(driver);
    await putOldImage(other);
    const { calls } = await write(other);
    const count = samples[driver];
    for (let index = 0; index < count; index++) {
      await using temp = await tempStore(driver);
      await putOldImage(temp);
      const at = Math.floor(((index + 0.5) * calls) / count);
      assert.equal((await write(temp, { KILL_AT: String(at) })).killed, true);
      await assertUsable(temp, { podmanFirst: index % 2 === 0, when: `killed at ${at}` });
    }
  });

  // A kill stops us between two calls and gives our locks back: a copy made there is what it leaves, and costs no process.
  test(`whatever a writer of ${driver} has on the disk at any moment, a killed one may leave`, {
    skip: skip || (isSoak ? false : "takes minutes: AMPHORA_SOAK=1"),
  }, async () => {
    await using source = await tempStore(driver);
    await putOldImage(source);
    const folder = source.beside("moments");
    mkdirSync(folder);
    const { calls } = await write(source, { KEEP_IN: folder, KEEP_OF: source.in() });
    const seen = new Set<string>();
    for (let at = 0; at < calls; at++) {
      const state = stateOf(join(folder, String(at)));
      if (seen.has(state)) continue;
      seen.add(state);
      for (const podmanFirst of [true, false]) {
        await using temp = await tempStore(driver);
        await run("cp", ["-a", join(folder, String(at)), temp.in()]);
        await assertUsable(temp, { podmanFirst, when: `killed at ${at}, podman ${podmanFirst}` });
      }
    }
    assert.ok(seen.size > 50, `${seen.size} of ${calls}`);
  });
}

/** By podman and by us, whoever comes first; and what was begun can be done to its end. */
async function assertUsable(
  temp: TempStore,
  { podmanFirst, when }: { readonly podmanFirst: boolean; readonly when: string },
): Promise<void> {
  if (podmanFirst) await assertPodmanLoads(temp, when);
  await assertTidy(temp, when);
  if (!podmanFirst) await assertPodmanLoads(temp, when);
  await writeStore(temp.place);
  assert.deepEqual(await assertTidy(temp, when), [["localhost/new:2"]]);
}

/** The next of us finds the images whole, and nothing else lies about when it has come. Gives the images' names. */
async function assertTidy(temp: TempStore, when: string): Promise<readonly (readonly string[])[]> {
  const store = await temp.open();
  await assertWhole(store, when);
  assert.deepEqual(await leftoversIn(store), [], when);
  const names = (await store.images()).map((image) => image.names);
  const lasting = ["localhost/old:1", "localhost/new:2"];
  assert.ok(
    names.flat().some((name) => lasting.includes(name)),
    when,
  );
  return names;
}

async function putOldImage(temp: TempStore): Promise<void> {
  const files = [{ "etc/name": "base" }, { old: "old" }];
  await putHandImage(await temp.open(), files, ["localhost/old:1"]);
}

async function write({ place }: TempStore, env: Readonly<Record<string, string>> = {}) {
  const args = ["--import", killer, program, JSON.stringify(place)];
  const result = await run(process.execPath, args, { env });
  assert.equal(result.stderr, "");
  return { killed: result.signal === "SIGKILL", calls: Number(result.stdout) };
}

async function assertPodmanLoads(temp: TempStore, when: string): Promise<void> {
  const { exitCode, stdout, stderr } = await temp.podman("images", "--all", "--digests");
  assert.equal(exitCode, 0, `${when}: ${stderr}`);
  assert.match(stdout, /^localhost\/(?:old +1|new +2) /m, when);
}

/** All that is in a folder but times: moments between which nothing was changed are one. */
function stateOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    hash.update(`\0${name}\0${stats.mode}\0${stats.size}\0`);
    if (stats.isSymbolicLink()) hash.update(readlinkSync(path));
    if (stats.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}
