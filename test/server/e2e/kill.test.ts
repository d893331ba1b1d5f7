import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf } from "../../../src/core/digest.ts";
import { makeImage } from "../../support/images.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { runCli } from "../../support/run-cli.ts";
import { call } from "../../support/server/client.ts";
import {
  BrokenPromise,
  dice,
  type LoadImage,
  type LoadTarget,
  pullLoadImage,
  pushLoadImage,
} from "../../support/server/load-client.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const isSoak = process.env["AMPHORA_SOAK"] === "1";
const rounds = isSoak ? 30 : 2;
const clients = 8;
const seed = Number(process.env["AMPHORA_SEED"] ?? randomInt(1, 2 ** 31));

/** What the clients know, over all lives of the server. */
interface World {
  readonly target: LoadTarget;
  readonly acknowledged: Set<LoadImage>;
  readonly upstream: readonly LoadImage[];
  readonly broken: unknown[];
  readonly count: { pushes: number; pulls: number; deletions: number };
  /** What went wrong, and how often. */
  readonly failures: Map<string, number>;
  isOver: boolean;
}

/** Garbage is collected all the time, and without much grace. */
function settings(upstream: Registry): string {
  return `
name: registry.example
log: {requests: false}
store: {collect-every: 150ms, unreferenced-after: 2s, upload-expiry: 2s}
upstreams: [{name: up.example, alias: up, url: "${upstream.origin}", fresh-for: 0s}]
cache: {max-bytes: 600000, low: 50%, min-age: 0s}
`;
}

function seedUpstream(registry: Registry): LoadImage[] {
  return Array.from({ length: 6 }, (_, at) => {
    const image = makeImage({ layers: 2, layerBytes: 60_000 + at * 7000 });
    const digest = registry.seed(`app${at}`, "v1", image) as LoadImage["digest"];
    const blobs = [...image.blobs.keys()] as LoadImage["digest"][];
    return { repository: `up/app${at}`, tag: "v1", digest, blobs };
  });
}

async function runClient(world: World, number: number): Promise<void> {
  const roll = dice(seed + number * 7919);
  const own: LoadImage[] = [];
  for (let turn = 0; !world.isOver; turn++) {
    try {
      await takeTurn(world, own, roll, `c${number}-${turn}`);
    } catch (error) {
      if (error instanceof BrokenPromise) world.broken.push(error);
      const why = String(error)
        .replace(/[0-9a-f]{64}|:\d+|app\d|c\d+-\d+/g, "?")
        .slice(0, 120);
      world.failures.set(why, (world.failures.get(why) ?? 0) + 1);
      await sleep(5 + roll(20));
    }
  }
}

async function takeTurn(
  { target, acknowledged, upstream, count }: World,
  own: LoadImage[],
  roll: (below: number) => number,
  tag: string,
): Promise<void> {
  const what = roll(10);
  if (what < 5 || own.length === 0) {
    const shared = roll(5);
    const layers = [[shared + 1, 30_000 + shared] as const, [roll(2 ** 30), roll(90_000)] as const];
    const image = await pushLoadImage(target, `team/app${roll(3)}`, tag, layers);
    count.pushes++;
    own.push(image);
    acknowledged.add(image);
  } else if (what < 8) {
    const image = roll(2) === 0 ? own[roll(own.length)] : upstream[roll(upstream.length)];
    await pullLoadImage(target, image as LoadImage);
    count.pulls++;
  } else {
    // Whatever becomes of the request, nobody counts on the image any more.
    const [image] = own.splice(roll(own.length), 1) as [LoadImage];
    acknowledged.delete(image);
    await call(target.url, "DELETE", `/v2/${image.repository}/manifests/${image.digest}`);
    count.deletions++;
  }
}

/** Until the clients got something done, and a moment longer. */
async function awaitWork(world: World, roll: (below: number) => number): Promise<void> {
  const before = world.count.pushes + world.count.pulls;
  const wanted = 8 + roll(20);
  for (let n = 0; n < 3000 && world.count.pushes + world.count.pulls < before + wanted; n++)
    await sleep(10);
  await sleep(roll(300));
}

async function assertAllThere({ target, acknowledged }: World, sample: number): Promise<void> {
  const all = [...acknowledged];
  const chosen = all.length <= sample ? all : all.slice(-sample);
  for (const image of chosen) {
    await pullLoadImage(target, image).catch((error) => {
      // Its client may have deleted it since: then nobody counts on it.
      if (acknowledged.has(image)) throw error;
    });
  }
}

/**
 * No half-written file and no upload stays that nobody goes on with. What was being put in place when it was killed goes ten
 * minutes later: another process could be at it.
 */
async function assertSwept(folder: TempFolder): Promise<void> {
  let left: string[] = [];
  for (let n = 0; n < 300; n++) {
    left = (await readdir(folder.in("data", "uploads"))).filter((name) => !/^aside-/.test(name));
    if (left.length === 0) return;
    await sleep(100);
  }
  assert.deepEqual(left, []);
}

test("a kill at any moment under load loses nothing acknowledged and serves no wrong byte", {
  timeout: 30 * 60_000,
}, async (t) => {
  t.diagnostic(`AMPHORA_SEED=${seed}`);
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  const options = { folder, yaml: settings(registry) };
  let server: ServerProcess = await startServerProcess(options);
  await using _ended = { [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  const world: World = {
    target: { url: server.url },
    acknowledged: new Set(),
    upstream: seedUpstream(registry),
    broken: [],
    count: { pushes: 0, pulls: 0, deletions: 0 },
    failures: new Map(),
    isOver: false,
  };
  const roll = dice(seed);
  const running = Array.from({ length: clients }, (_, number) => runClient(world, number));
  const starts: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      await awaitWork(world, roll);
      await server.kill("SIGKILL");
      server = await startServerProcess(options);
      world.target.url = server.url;
      starts.push(Math.round(server.startMs));
      await assertAllThere(world, isSoak ? 100 : 10);
    }
    await awaitWork(world, roll);
  } finally {
    world.isOver = true;
    await Promise.all(running);
  }
  assert.deepEqual(world.broken, []);
  await assertAllThere(world, 10_000);
  await assertSwept(folder);
  await assertAllThere(world, 10_000);
  t.diagnostic(`${JSON.stringify(world.count)}, listening again after ${starts.join(", ")} ms`);
  for (const [why, times] of world.failures) t.diagnostic(`${times} times: ${why}`);
  assert.equal(await server.kill("SIGTERM"), 0);
  await assertFilesAreWhatTheyAreCalled(folder);
  const verified = await runCli(["log", "verify", folder.in("data", "audit", "audit.jsonl")]);
  assert.equal(verified.exitCode, 0, verified.stderr);
});

/** Every file under a digest's name has its bytes. */
async function assertFilesAreWhatTheyAreCalled(folder: TempFolder): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  for (const name of await readdir(folder.in("data", "blobs", "sha256")).catch(() => [])) {
    const bytes = await readFile(folder.in("data", "blobs", "sha256", name));
    assert.equal(digestOf(bytes), `sha256:${name}`);
  }
}
