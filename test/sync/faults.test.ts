import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeImage } from "../support/images.ts";
import {
  cutResponse,
  dropRequest,
  type Fault,
  loseReply,
  refuse,
  reset,
} from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const images = process.env["AMPHORA_SOAK"] === "1" ? 1000 : 60;
const parallel = 16;
const ownBlobs = 2;
const sharedBlobs = 3;
const child = fileURLToPath(new URL("../support/mirror-process.ts", import.meta.url));

/** The same numbers in every run, 0 to 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds: readonly Fault[] = [
  refuse(500),
  refuse(503),
  reset(),
  loseReply(),
  cutResponse(100),
  dropRequest(1000),
];

/** One request in twenty fails, in one of all ways; and now and then some in a row are told to come later. */
function misbehave(registry: Registry, seed: number): void {
  const random = numbers(seed);
  for (const fault of kinds) {
    const on = () => random() < 0.05 / kinds.length;
    registry.behave({ on, times: Number.POSITIVE_INFINITY, fault });
  }
  let left = 0;
  const inBurst = () => {
    if (left === 0 && random() < 0.005) left = 4;
    return left > 0 && left-- > 0;
  };
  const tooMany = refuse(429, { code: "TOOMANYREQUESTS", retryAfter: 1 });
  registry.behave({ on: inBurst, times: Number.POSITIVE_INFINITY, fault: tooMany });
}

/** `count` images that share two layers; each has a layer and a config of its own. */
function seed(registry: Registry, count: number): void {
  const shared = makeImage({ seed: 9000, layers: 2, layerBytes: 50_000, type: "oci" });
  for (let n = 0; n < count; n++) {
    const own = makeImage({ seed: n + 1, layers: 1, layerBytes: 40_000, type: "oci" });
    const manifest = JSON.parse(Buffer.from(own.bytes).toString());
    manifest.layers = [...shared.layers, ...own.layers];
    registry.seed("made", `v${n}`, {
      blobs: new Map([...shared.blobs, ...own.blobs]),
      manifests: [{ mediaType: own.mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }],
    });
  }
}

/** Runs to its end, or is killed when so many images have ended. @returns whether it came to its end */
async function run(args: readonly string[], killAfter: number): Promise<boolean> {
  const process_ = spawn(process.execPath, [child, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(process_, "exit");
  let ended = 0;
  for await (const _ of createInterface(process_.stdout)) {
    if (++ended === killAfter) process_.kill("SIGKILL");
  }
  const [code, signal] = await exit;
  assert.ok(signal === "SIGKILL" || code === 0, `${code} ${signal}`);
  return signal === null;
}

type Line = Readonly<Record<string, unknown>>;

async function reported(path: string): Promise<Line[]> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Every image that a report calls copied or unchanged is there, as it says. */
function assertTrue(lines: readonly Line[], source: Registry, destination: Registry): void {
  const there = destination.store.open("there").tags;
  for (const line of lines.filter(({ type }) => type === "image")) {
    const tag = String(line["to"]).split(":").at(-1) ?? "";
    if (line["outcome"] !== "copied" && line["outcome"] !== "unchanged") continue;
    assert.equal(there.get(tag), line["digest"], tag);
    assert.equal(source.store.open("made").tags.get(tag), line["source"], tag);
  }
}

test(`${images} images arrive although requests fail and the process is killed twice`, {
  timeout: 1_800_000,
}, async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  await using folder = await tempFolder();
  seed(source, images);
  misbehave(source, 1);
  misbehave(destination, 2);
  const path = folder.in("report.jsonl");
  const args = [`docker://${source.host}/made`, `docker://${destination.host}/there`, path];
  let kills = 0;
  for (const share of [0.25, 0.6]) {
    if (await run(args, Math.floor(images * share))) continue;
    kills++;
    assertTrue(await reported(path), source, destination);
  }
  assert.equal(kills, 2);
  assert.ok(await run(args, Number.POSITIVE_INFINITY));

  const lines = await reported(path);
  const wrong = lines.filter(
    ({ type, outcome }) => type === "listing-failed" || outcome === "failed",
  );
  assert.deepEqual(wrong, []);
  assert.deepEqual(destination.store.open("there").tags, source.store.open("made").tags);
  assertTrue(lines, source, destination);
  assertExact(lines);
  assertNothingTwice(destination, kills);
});

function assertExact(lines: readonly Line[]): void {
  const ofType = (wanted: string, of = lines) => of.filter(({ type }) => type === wanted);
  assert.equal(ofType("run").length, 3);
  const copied = ofType("image").filter(({ outcome }) => outcome === "copied");
  const names = copied.map(({ to }) => to);
  assert.equal(new Set(names).size, names.length, "an image is told to be copied once");
  assert.ok(names.length > images - 2 * parallel && names.length <= images, `${names.length}`);
  const last = lines.slice(lines.findLastIndex(({ type }) => type === "run"));
  const [summary, ...others] = ofType("summary");
  assert.deepEqual(others, []);
  assert.equal(summary?.["images"], images);
  for (const outcome of ["copied", "unchanged", "failed", "stopped"] as const) {
    const count = ofType("image", last).filter((line) => line["outcome"] === outcome).length;
    assert.equal(summary?.[outcome], count, outcome);
  }
  assert.equal(summary?.["failed"], 0);
}

/** But for what a killed run was in the middle of, and a shared layer with it. */
function assertNothingTwice({ log }: Registry, kills: number): void {
  const stored = log.of("PUT upload").filter(({ status }) => status === 201);
  const digests = stored.map(({ path }) => new URL(path, "http://x").searchParams.get("digest"));
  const distinct = new Set(digests).size;
  const most = distinct + kills * (parallel * ownBlobs + sharedBlobs);
  assert.ok(digests.length <= most, `${digests.length} uploads of ${distinct} blobs`);
}
