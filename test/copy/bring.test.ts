import assert from "node:assert/strict";
import { test } from "node:test";
import type { OtherWorkers } from "../../src/copy/bring.ts";
import { createTransfers, type Transfers } from "../../src/copy/transfers.ts";
import { createLocalCoordinator } from "../../src/sync/local-coordinator.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { JumpingClock } from "../support/jumping-clock.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import { startRegistry } from "../support/registry.ts";

const { signal } = new AbortController();

/** A registry that has a blob once somebody moved it, and what it was asked. */
function place() {
  const story: string[] = [];
  let held = false;
  return {
    story,
    /** @param moves ends the move, or fails it */
    want(
      transfers: Transfers,
      name: string,
      moves: () => Promise<void> = async () => {},
      call = signal,
    ) {
      return transfers.bring<string>({
        key: "registry blob",
        signal: call,
        inSlot: (work) => transfers.inSlot(call, work),
        async adopt(again) {
          story.push(`${name} asks${again ? " again" : ""}`);
          await Promise.resolve();
          return held ? `${name} has it` : undefined;
        },
        async move() {
          story.push(`${name} moves`);
          await moves();
          held = true;
          return `${name} moved it`;
        },
      });
    },
  };
}

test("Transfers.bring() moves a blob once, and asks once more for each that waited", async () => {
  const transfers = createTransfers(2);
  const { story, want } = place();
  const came = await Promise.all(["a", "b", "c"].map((name) => want(transfers, name)));
  assert.deepEqual(came, ["a moved it", "b has it", "c has it"]);
  assert.deepEqual(story, ["a asks", "a moves", "b asks again", "c asks again"]);
});

test("Transfers.bring() lets one of those who waited move it where that failed", async () => {
  const transfers = createTransfers(2);
  const { story, want } = place();
  const failing = want(transfers, "a", async () => {
    throw new Error("no good");
  });
  const others = ["b", "c"].map((name) => want(transfers, name));
  await assert.rejects(failing, /no good/);
  assert.deepEqual(await Promise.all(others), ["b moved it", "c has it"]);
  assert.equal(story.filter((line) => line.endsWith("moves")).length, 2);
});

test("Transfers.bring() lets who waits give up", async () => {
  const transfers = createTransfers(2);
  const { want } = place();
  const { promise, resolve } = Promise.withResolvers<void>();
  const moving = want(transfers, "a", () => promise);
  const stop = new AbortController();
  const waiting = want(transfers, "b", undefined, stop.signal);
  stop.abort(new Error("called off"));
  await assert.rejects(waiting, /called off/);
  resolve();
  assert.equal(await moving, "a moved it");
});

test("Transfers.bring() has no slot while another worker moves it", async () => {
  const others = createLocalCoordinator(() => ({}), new JumpingClock());
  const [one, two] = [createTransfers(1, others), createTransfers(1, others)];
  const { story, want } = place();
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const moving = want(one, "one", () => {
    begun.resolve();
    return promise;
  });
  await begun.promise;
  const waiting = want(two, "two");
  assert.equal(await two.inSlot(signal, async () => "free"), "free");
  resolve();
  assert.deepEqual(await Promise.all([moving, waiting]), ["one moved it", "two has it"]);
  assert.deepEqual(story, ["one asks", "one moves", "two asks", "two asks again"]);
});

test("Transfers.bring() asks again where another worker was at it since it asked", async () => {
  const clock = new JumpingClock();
  const others = createLocalCoordinator(() => ({}), clock);
  const { story, want } = place();
  const [one, two] = [createTransfers(1, others), createTransfers(1, others)];
  const { promise: full, resolve: free } = Promise.withResolvers<void>();
  const busy = two.inSlot(signal, () => full);
  const late = want(two, "two"); // has asked, and waits for a slot
  assert.equal(await want(one, "one"), "one moved it");
  await clock.sleep(100, signal);
  free();
  await busy;
  assert.equal(await late, "two has it");
  assert.equal(story.filter((line) => line.endsWith("moves")).length, 1);
});

test("Transfers.bring() moves nothing where it cannot be agreed on, and says why", async () => {
  const others: OtherWorkers = {
    ifQuiet: () => Promise.reject(new Error("out of reach")),
    free: async () => {},
    now: () => 0,
  };
  const { story, want } = place();
  await assert.rejects(want(createTransfers(1, others), "a"), /out of reach/);
  assert.deepEqual(story, ["a asks"]);
});

test("copy() compresses a layer once for all repositories of a registry", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  const image = makeImage({ type: "oci", layers: 2, layerBytes: 20_000, compression: "gzip" });
  source.seed("app", "v1", image);
  const rules = ["a", "b", "c"].map((name) => {
    const rule = mirrorRule(`docker://${source.host}/app`, `docker://${destination.host}/${name}`);
    const compression = { format: "zstd", force: false } as const;
    return { ...rule, copy: { ...rule.copy, compression } };
  });
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, rules, { parallel: 3 });
  assert.equal(summary.copied, 3);
  assert.equal(destination.log.of("PATCH upload").length, image.layers.length);
  const manifests = ["a", "b", "c"].map((name) => destination.store.open(name).tags.get("v1"));
  assert.equal(new Set(manifests).size, 1);
});
