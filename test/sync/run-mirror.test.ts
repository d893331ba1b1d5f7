import assert from "node:assert/strict";
import { test } from "node:test";
import { SyncError } from "../../src/sync/errors.ts";
import type { GivenTags } from "../../src/sync/parts.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorRule, mirrorWith, outcomes, plainSteps } from "../support/mirror.ts";
import { refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";

/** `count` images tagged v0, v1, … that share two layers and have one of their own. */
function seed(registry: Registry, repository: string, count: number): void {
  const shared = makeImage({ seed: 9000, layers: 2, type: "oci" });
  for (let n = 0; n < count; n++) {
    const own = makeImage({ seed: n + 1, layers: 1, type: "oci" });
    const manifest = JSON.parse(Buffer.from(own.bytes).toString());
    manifest.layers = [...shared.layers, ...own.layers];
    registry.seed(repository, `v${n}`, {
      blobs: new Map([...shared.blobs, ...own.blobs]),
      manifests: [{ mediaType: own.mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }],
    });
  }
}

test("runMirror() copies every tag", async () => {
  await using world = await ends(40);
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [world.rule]);
  assert.equal(summary.copied, 40);
  assert.deepEqual(new Set(outcomes(events).values()), new Set(["copied"]));
  const { destination, source } = world;
  assert.deepEqual(destination.store.open("there").tags, source.store.open("made").tags);
  assert.equal(destination.log.of("PUT manifest").length, 40);
});

test("runMirror() sends two requests a tag where there is nothing to do", async () => {
  await using world = await ends(200);
  seed(world.destination, "there", 200);
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, [world.rule]);
  assert.equal(summary.unchanged, 200);
  assert.deepEqual(
    { source: world.source.log.counts(), destination: world.destination.log.counts() },
    { source: { "GET tags": 1, "HEAD manifest": 200 }, destination: { "HEAD manifest": 200 } },
  );
  // what the source has most likely is what the destination has: a registry may answer that with less work
  const asked = world.source.log.of("HEAD manifest");
  const likely = new Set(asked.map(({ headers }) => headers["if-none-match"]));
  assert.equal(likely.size, 200);
  assert.match([...likely].join(" "), /^("sha256:[0-9a-f]{64}"( |$)){200}$/);
});

/** A source with `count` images, an empty destination, and the rule from one to the other. */
async function ends(count: number) {
  const source = await startRegistry();
  const destination = await startRegistry();
  seed(source, "made", count);
  const rule = mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`);
  return {
    source,
    destination,
    rule,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await destination[Symbol.asyncDispose]();
    },
  };
}

/** A manifest that the source will not give. */
const missing = (tag: string) => ({
  on: new RegExp(`(GET|HEAD) manifest .*/manifests/${tag}$`),
  times: 1000,
  fault: refuse(404, { code: "MANIFEST_UNKNOWN" }),
});

test("runMirror() keeps going past failed images where it is told to, and counts them", async () => {
  await using world = await ends(12);
  world.source.behave(missing("v3"));
  world.source.behave(missing("v7"));
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [world.rule], { keepGoing: true });
  const { images, copied, failed, stopped } = summary;
  assert.deepEqual(
    { images, copied, failed, stopped },
    { images: 12, copied: 10, failed: 2, stopped: 0 },
  );
  const found = outcomes(events);
  assert.deepEqual(
    [...found]
      .filter(([, type]) => type === "failed")
      .map(([tag]) => tag)
      .toSorted(),
    ["v3", "v7"],
  );
  assert.equal(world.destination.store.open("there").tags.size, 10);
});

test("runMirror() stops at the first failure, and tells of every image that it had begun", async () => {
  await using world = await ends(60);
  world.source.behave(missing("v5"));
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [world.rule], { parallel: 4 });
  const began = events.filter(({ type }) => type === "image-started").length;
  assert.equal(summary.failed, 1);
  assert.equal(summary.images, began);
  assert.ok(began < 60, `${began} were begun`);
  assert.equal(outcomes(events).size, began);
  const { copied, failed, stopped, unchanged, left } = summary;
  assert.equal(copied + failed + stopped + unchanged + left, began);
  assert.equal(world.destination.store.open("there").tags.size, copied);
});

test("runMirror() ends when it is called off, and tells what it called off", async () => {
  await using world = await ends(40);
  const stop = new AbortController();
  await using engine = new Engine();
  let ended = 0;
  const { summary, events } = await mirrorWith(engine, [world.rule], {
    signal: stop.signal,
    parallel: 4,
    report: ({ type }) => {
      if (type === "image-ended" && ++ended === 5) stop.abort(new Error("enough"));
    },
  });
  assert.equal(outcomes(events).size, summary.images);
  assert.ok(summary.images < 40);
  assert.equal(summary.failed, 0);
  assert.equal(summary.copied + summary.stopped, summary.images);
  assert.equal(summary.interrupted, true);
});

test("runMirror() writes nothing in a dry run, and tells what it would do", async () => {
  await using world = await ends(6);
  {
    await using engine = new Engine();
    const tags = { ...world.rule.tags, list: ["v0", "v1"] };
    await mirrorWith(engine, [{ ...world.rule, tags }]);
  }
  world.destination.log.clear();
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [world.rule], { dryRun: true });
  const { copied, unchanged } = summary;
  assert.deepEqual({ copied, unchanged }, { copied: 4, unchanged: 2 });
  assert.equal(outcomes(events).get("v5"), "would-copy");
  const methods = new Set(world.destination.log.entries.map(({ method }) => method));
  assert.deepEqual(
    [...methods].filter((method) => method !== "GET" && method !== "HEAD"),
    [],
  );
  assert.equal(world.destination.store.open("there").tags.size, 2);
});

test("runMirror() lists again after a failure that may pass", async () => {
  await using world = await ends(3);
  world.source.behave({ on: "GET tags", times: 8, fault: refuse(500) });
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, [world.rule], { retries: 2 });
  assert.deepEqual([summary.copied, summary.failedRules], [3, 0]);
});

test("runMirror() tells of what cannot be listed and goes on with the other rules", async () => {
  await using world = await ends(3);
  const absent = mirrorRule(`docker://${world.source.host}/absent`, world.rule.to.template);
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [absent, world.rule]);
  assert.equal(summary.failedRules, 1);
  assert.equal(summary.copied, 3);
  const [told] = events.filter(({ type }) => type === "listing-failed");
  assert.ok(
    told?.type === "listing-failed" && told.code === "registry.not-found",
    JSON.stringify(told),
  );
});

test("runMirror() prunes what no rule gives, and nothing where one could not be listed", async () => {
  await using world = await ends(3);
  const prune = { dryRun: false, only: [], threshold: 1, alwaysUpTo: 10 };
  const pruning = { ...world.rule, prune };
  const other = mirrorRule(`docker://${world.source.host}/made`, world.rule.to.template, {
    tags: { ...world.rule.tags, list: ["v1"] },
  });
  const asked: string[][] = [];
  const steps = {
    ...plainSteps,
    prune: async (_: unknown, given: ReadonlyMap<string, GivenTags>) => {
      asked.push(
        [...given].map(([name, { tags }]) => `${name.split("/").at(-1)} ${[...tags].toSorted()}`),
      );
    },
  };
  await using engine = new Engine();
  const one = { ...pruning, tags: { ...pruning.tags, list: ["v0"] } };
  await mirrorWith(engine, [one, other], { steps });
  const absent = mirrorRule(`docker://${world.source.host}/absent`, world.rule.to.template);
  await mirrorWith(engine, [one, absent], { steps });
  assert.deepEqual(asked, [["there v0,v1"], []]);
});

test("runMirror() tells of what cannot be pruned as that, and goes on with the other rules", async () => {
  await using world = await ends(1);
  const prune = { dryRun: false, only: [], threshold: 1, alwaysUpTo: 10 };
  const pruning = { ...world.rule, prune };
  const asked: number[] = [];
  const steps = {
    ...plainSteps,
    prune: async (_: unknown, given: ReadonlyMap<string, GivenTags>) => {
      asked.push(given.size);
      if (asked.length === 1) throw new SyncError("sync.bad-state", "denied");
    },
  };
  await using engine = new Engine();
  const { summary, events } = await mirrorWith(engine, [pruning, { ...pruning }], { steps });
  const failed = events.filter(({ type }) => type.endsWith("-failed"));
  const told = { rule: pruning.name, code: "sync.bad-state", message: "denied" };
  assert.deepEqual(failed, [{ type: "prune-failed", ...told, retryable: false }]);
  assert.deepEqual(asked, [1, 1]);
  assert.equal(summary.failedRules, 1);
});
