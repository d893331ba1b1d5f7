import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../src/core/digest.ts";
import type { MirrorRule } from "../../src/sync/mirror.ts";
import type { CopyCompanions } from "../../src/sync/parts.ts";
import { Engine } from "../support/engine.ts";
import { makeMultiArch } from "../support/images.ts";
import { mirrorRule, mirrorWith, plainSteps } from "../support/mirror.ts";
import { startRegistry } from "../support/registry.ts";

const onePlatform = {
  type: "platforms",
  platforms: [{ os: "linux", architecture: "amd64" }],
} as const;

/** Runs a mirror of lists dry, then in earnest, then dry again. */
async function thrice(copy: Partial<MirrorRule["copy"]>) {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("made", "v1", makeMultiArch({ seed: 7 }));
  const rule = mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`, {
    companions: { referrers: "all", digestTags: true },
  });
  const run = async (dryRun: boolean) => {
    const asked: Digest[] = [];
    const copyCompanions: CopyCompanions = async (_image, digest, _wanted, { instances = [] }) => {
      asked.push(digest, ...instances);
    };
    await using engine = new Engine();
    const rules = [{ ...rule, copy: { ...rule.copy, ...copy } }];
    const steps = { ...plainSteps, copyCompanions };
    const { events } = await mirrorWith(engine, rules, { dryRun, steps, keepGoing: true });
    const ended = events.find((event) => event.type === "image-ended");
    assert.ok(ended?.type === "image-ended");
    const { outcome, source } = ended;
    return { type: outcome.type, outcome, source, asked };
  };
  return { before: await run(true), real: await run(false), after: await run(true) };
}

test("a dry run knows the list that a choice of platforms makes, and what belongs to it", async () => {
  const { before, real, after } = await thrice({ select: onePlatform });
  assert.deepEqual([before.type, real.type, after.type], ["would-copy", "copied", "unchanged"]);
  assert.ok(before.outcome.type === "would-copy" && real.outcome.type === "copied");
  assert.notEqual(real.outcome.digest, real.source);
  assert.equal(before.outcome.digest, real.outcome.digest);
  assert.deepEqual([before.source, after.source], [real.source, real.source]);
  assert.deepEqual(before.asked, real.asked);
  assert.deepEqual(after.asked, real.asked);
});

test("a dry run names no list whose images are made anew", async () => {
  const compression = { format: "zstd", force: true } as const;
  const { before, real } = await thrice({ select: { type: "all" }, compression });
  assert.deepEqual([before.type, real.type], ["would-copy", "copied"]);
  assert.ok(before.outcome.type === "would-copy");
  assert.equal(before.outcome.digest, undefined);
  assert.deepEqual(before.asked, []);
});

test("a dry run refuses a part of a list whose digest is to stay", async () => {
  const { before, real } = await thrice({ select: onePlatform, preserveDigests: true });
  assert.ok(before.outcome.type === "failed" && real.outcome.type === "failed");
  assert.deepEqual(before.outcome.code, "copy.digest-would-change");
});
