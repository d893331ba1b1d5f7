import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import {
  blobAt,
  callBy,
  manifestAt,
  openTestStore,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const rounds = process.env["AMPHORA_SOAK"] === "1" ? 30 : 3;
const pusher = fileURLToPath(new URL("../../support/server/store-pusher.ts", import.meta.url));

interface Pusher {
  readonly child: ChildProcess;
  /** What was acknowledged so far. */
  readonly lines: string[];
}

function startPusher(folder: string, name: string): Pusher {
  const child = spawn(process.execPath, [pusher, folder, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  assert.ok(child.stdout);
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines };
}

/** Lets two push until some were acknowledged, and a moment longer; gives what was. */
async function pushAndKill(folder: string, round: number): Promise<readonly string[]> {
  const pushers = ["x", "y"].map((name) => startPusher(folder, `${name}${round}`));
  const enough = randomInt(0, 12);
  const count = () => pushers.reduce((sum, { lines }) => sum + lines.length, 0);
  while (count() < enough + 2 && pushers.every(({ child }) => child.exitCode === null))
    await sleep(5);
  await sleep(randomInt(0, 30));
  const ends = pushers.map(({ child }) => once(child, "close"));
  for (const { child } of pushers) child.kill("SIGKILL");
  await Promise.all(ends);
  for (const { child } of pushers) assert.equal(child.signalCode, "SIGKILL");
  return pushers.flatMap(({ lines }) => lines).filter((line) => line !== "ready");
}

/** Every file that has a blob's name has its bytes. */
function assertNoWrongBlob(folder: TempFolder): void {
  for (const entry of readdirSync(folder.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\/sha256$/.test(entry.parentPath)) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), entry.name);
  }
}

async function assertPushed(store: RegistryStore, line: string): Promise<void> {
  const [path = "", tag = "", digest] = line.split(" ");
  const repository = repositoryAt(path);
  const manifest = await manifestAt(store, repository, tag);
  assert.equal(manifest?.digest, digest, line);
  const { config, layers } = JSON.parse(Buffer.from(manifest?.bytes ?? "").toString());
  for (const blob of [config, ...layers]) {
    assert.equal((await blobAt(store, repository, blob.digest))?.byteLength, blob.size, line);
  }
}

/** index.json of a repository has just the tags that the store has. */
async function assertIndex(store: RegistryStore, folder: TempFolder, path: string): Promise<void> {
  const file = folder.in("repositories/registry.example_5000", path, "index.json");
  const { manifests } = JSON.parse(readFileSync(file, "utf8"));
  const shown = manifests.flatMap(
    ({ annotations }: { annotations?: Record<string, string> }) =>
      annotations?.["org.opencontainers.image.ref.name"] ?? [],
  );
  const tags = await store.listTags(repositoryAt(path), { limit: 10_000 }, callBy());
  assert.deepEqual(shown, tags?.names);
}

test("A kill at any moment loses no acknowledged push, and shows nothing half done", async (t) => {
  await using folder = await tempFolder();
  const acknowledged: string[] = [];
  for (let round = 0; round < rounds; round++) {
    acknowledged.push(...(await pushAndKill(folder.path, round)));
    assertNoWrongBlob(folder);
    const began = performance.now();
    await using store = await openTestStore(folder.path);
    t.diagnostic(`opened again in ${Math.round(performance.now() - began)} ms`);
    const left = readdirSync(folder.in("uploads")).filter((name) => /^(?:tmp|fill)-/.test(name));
    assert.deepEqual(left, []);
    for (const line of acknowledged) await assertPushed(store, line);
    await store.flush();
    for (const path of new Set(acknowledged.map((line) => line.split(" ")[0] ?? ""))) {
      await assertIndex(store, folder, path);
    }
    await store.collectGarbage();
    for (const line of acknowledged) await assertPushed(store, line);
    await pushImage(store, repositoryAt("after"), [`r${round}`], `${round}`);
  }
  t.diagnostic(`${acknowledged.length} pushes were acknowledged`);
});
