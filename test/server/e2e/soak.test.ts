import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeImage } from "../../support/images.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { call, locationOf } from "../../support/server/client.ts";
import {
  BrokenPromise,
  dice,
  type LoadImage,
  pullLoadImage,
  pushLoadImage,
} from "../../support/server/load-client.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { tempFolder } from "../../support/temp.ts";

const skip = process.env["AMPHORA_SOAK"] === "1" ? false : "only in npm run soak";
const minutes = Number(process.env["AMPHORA_SOAK_MINUTES"] ?? 3);
/** Between two requests of a client. */
const pauseMs = Number(process.env["AMPHORA_SOAK_PAUSE_MS"] ?? 20);
const clients = 8;
const samples = 24;
/** Files of blobs that the store leaves open for the next who asks. */
const blobsKeptOpen = 128;

const yaml = (upstream: Registry) => `
name: registry.example
log: {requests: false}
store: {collect-every: 2s, unreferenced-after: 5s, upload-expiry: 3s, untagged-after: 5s}
upstreams: [{name: up.example, alias: up, url: "${upstream.origin}", fresh-for: 100ms}]
cache: {max-bytes: 3MB, low: 50%, min-age: 0s}
limits: {idle-for: 3s, keep-alive-for: 3s}
admission: {policy: policy.json, decision-ttl: 1s}
`;

interface World {
  readonly url: string;
  readonly registry: Registry;
  readonly done: Map<string, number>;
  readonly broken: unknown[];
  isOver: boolean;
}

/** What a client does at its turn, by name. */
type Turns = Readonly<Record<string, (tag: string) => Promise<unknown>>>;

function turnsOf(
  { url, registry }: World,
  roll: (below: number) => number,
  own: LoadImage[],
): Turns {
  const target = { url };
  const some = () => own[roll(own.length)] as LoadImage;
  return {
    async push(tag) {
      const layers = [[roll(20) + 1, 40_000] as const, [roll(2 ** 30), roll(120_000)] as const];
      own.push(await pushLoadImage(target, `team/app${roll(20)}`, tag, layers));
      if (own.length > 12) await drop(target.url, own.shift() as LoadImage);
    },
    pull: async () => own.length > 0 && (await pullLoadImage(target, some())),
    async "pull through"() {
      const name = `app${roll(60)}`;
      const image = makeImage({
        seed: roll(500),
        layers: 2,
        layerBytes: 50_000,
        compression: "none",
      });
      const digest = registry.seed(name, "v1", image);
      await call(url, "GET", `/v2/up/${name}/manifests/v1`);
      await call(url, "GET", `/v2/up/${name}/manifests/${digest}`);
      for (const blob of image.blobs.keys()) await call(url, "GET", `/v2/up/${name}/blobs/${blob}`);
    },
    async "leave an upload"() {
      const begun = await call(url, "POST", "/v2/team/left/blobs/uploads/", { body: "" });
      await call(url, "PATCH", locationOf(begun, url), { body: Buffer.alloc(roll(50_000)) });
    },
    async "cut an upload"() {
      const begun = await call(url, "POST", "/v2/team/cut/blobs/uploads/", { body: "" });
      await cutOff(`${url}${locationOf(begun, url)}`, "PATCH");
    },
    "cut a download": async () =>
      own.length > 0 &&
      (await cutOff(`${url}/v2/${some().repository}/blobs/${some().blobs[1]}`, "GET")),
    async lists() {
      for (const path of [
        "team/app1/tags/list",
        "_catalog",
        `team/app1/referrers/${own[0]?.digest}`,
      ]) {
        await call(url, "GET", `/v2/${path}`);
      }
    },
    async nonsense() {
      await call(url, "GET", `/v2/none/x${roll(2 ** 30)}/manifests/v${roll(2 ** 30)}`);
      await call(url, "PUT", `/v2/team/app1/manifests/bad`, { body: "{" });
      await call(url, "GET", `/sigstore/x${roll(2 ** 30)}`);
    },
  };
}

async function drop(url: string, image: LoadImage): Promise<void> {
  await call(url, "DELETE", `/v2/${image.repository}/manifests/${image.digest}`);
}

/** Goes away in the middle. */
async function cutOff(url: string, method: "GET" | "PATCH"): Promise<void> {
  const headers = method === "PATCH" ? { "Content-Length": 100_000 } : {};
  const asked = request(url, { method, headers, agent: false });
  await new Promise<void>((resolve) => {
    asked.on("error", () => resolve());
    asked.on("response", (answer) =>
      answer.on("error", () => undefined).once("data", () => asked.destroy()),
    );
    asked.on("close", resolve);
    if (method === "GET") return void asked.end();
    asked.write(Buffer.alloc(30_000));
    setTimeout(() => asked.destroy(), 30);
  });
}

async function runClient(world: World, number: number): Promise<void> {
  const roll = dice(number * 7919 + 1);
  const own: LoadImage[] = [];
  const turns = Object.entries(turnsOf(world, roll, own));
  for (let turn = 0; !world.isOver; turn++) {
    const [name, take] = turns[roll(turns.length)] as (typeof turns)[number];
    try {
      await take(`c${number}-${turn}`);
      world.done.set(name, (world.done.get(name) ?? 0) + 1);
    } catch (error) {
      // untagged manifests live on; ours are tagged until we delete them
      if (error instanceof BrokenPromise) world.broken.push(error);
      else {
        const why = `${name}: ${String(error).replace(/[0-9a-f]{64}/g, "?")}`;
        world.done.set(why, (world.done.get(why) ?? 0) + 1);
      }
    }
    await sleep(roll(2 * pauseMs));
  }
  for (const image of own) await drop(world.url, image);
}

interface Sample {
  readonly minute: number;
  readonly residentMb: number;
  readonly descriptors: number;
  readonly uploads: number;
}

function sampleOf({ pid }: ServerProcess, data: string, began: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    minute: (performance.now() - began) / 60_000,
    residentMb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    uploads: readdirSync(`${data}/uploads`).length,
  };
}

/** Megabytes a minute, by least squares. */
function slopeOf(points: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    points.reduce((sum, sample) => sum + of(sample), 0) / points.length;
  const [x, y] = [mean(({ minute }) => minute), mean(({ residentMb }) => residentMb)];
  const above = points.reduce((sum, p) => sum + (p.minute - x) * (p.residentMb - y), 0);
  return above / points.reduce((sum, p) => sum + (p.minute - x) ** 2, 0);
}

function textOf({ minute, residentMb, descriptors, uploads }: Sample): string {
  return `minute ${minute.toFixed(1)}: ${residentMb.toFixed(1)} MB, ${descriptors} descriptors, ${uploads} uploads`;
}

test(`${minutes} minutes of mixed load leak no memory, descriptor or upload`, {
  skip,
}, async (t) => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  const files = { "policy.json": '{"default":[{"type":"insecureAcceptAnything"}]}' };
  await using server = await startServerProcess({ folder, yaml: yaml(registry), files });
  const data = folder.in("data");
  const world: World = { url: server.url, registry, done: new Map(), broken: [], isOver: false };
  const began = performance.now();
  const quiet = sampleOf(server, data, began);
  t.diagnostic(textOf(quiet));
  const running = Array.from({ length: clients }, (_, number) => runClient(world, number + 1));
  const taken: Sample[] = [];
  for (let n = 1; n <= samples; n++) {
    await sleep(Math.max(0, began + (n / samples) * minutes * 60_000 - performance.now()));
    registry.log.clear();
    const sample = sampleOf(server, data, began);
    taken.push(sample);
    t.diagnostic(textOf(sample));
  }
  world.isOver = true;
  await Promise.all(running);
  for (const [what, times] of world.done) t.diagnostic(`${what}: ${times}`);
  const later = taken.slice(samples / 3);
  t.diagnostic(`${slopeOf(later).toFixed(2)} MB a minute in the last two thirds`);
  assert.deepEqual(world.broken, []);
  let end = sampleOf(server, data, began);
  for (let n = 0; n < 300 && end.uploads > 0; n++) {
    await sleep(100);
    end = sampleOf(server, data, began);
  }
  t.diagnostic(textOf(end));
  assert.equal(end.uploads, 0);
  assert.ok(end.descriptors <= quiet.descriptors + blobsKeptOpen + 8, textOf(end));
  const third = (n: number) => taken.slice((n * samples) / 3, ((n + 1) * samples) / 3);
  for (const figure of ["residentMb", "descriptors"] as const) {
    const most = (n: number) => Math.max(...third(n).map((sample) => sample[figure]));
    assert.ok(most(2) < 1.3 * most(1), `${figure}: ${most(1)}, then ${most(2)}`);
  }
});
