import assert from "node:assert/strict";
import { test } from "node:test";
import type { SyncEvent } from "../../src/sync/events.ts";
import { runMirror } from "../../src/sync/run-mirror.ts";
import { createEnumerate } from "../../src/sync/selection/enumerate.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorWith, plainSteps } from "../support/mirror.ts";
import { startRegistry } from "../support/registry.ts";
import { registryRule, tagRules } from "./selection/support.ts";

test(`${runMirror.name}() tells of each rule that takes nothing, and what ruled the last tags out`, async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  for (const tag of ["1.0", "1.1-rc1", "x"]) registry.seed("app", tag, makeImage());
  registry.seed("old", "1.0", makeImage());
  const { host } = registry;
  const rule = (name: string, path: string, more: Parameters<typeof tagRules>[0] = {}) => ({
    ...registryRule(host, [path], `docker://${host}/to/${name}{{.Reference}}`),
    name,
    tags: tagRules(more),
  });
  const pattern = (text: string) => [{ kind: "regex", pattern: text }] as const;
  const rules = [
    rule("semver", "app", { include: pattern("^[0-9]"), semver: "> 2" }),
    rule("exclude", "app", { include: pattern("rc"), exclude: pattern("rc"), newest: 1 }),
    rule("glob", "nope/*"),
    rule("some", "*", { include: pattern("^x$") }),
    rule("absent", "absent"),
  ];
  const { events, summary } = await mirrorWith(engine, rules, {
    steps: { ...plainSteps, enumerate: createEnumerate({ rules }) },
    dryRun: true,
    keepGoing: true,
  });
  const told = (event: SyncEvent) =>
    event.type === "nothing-taken" ? [`${event.rule}: ${event.why.replaceAll(host, "r")}`] : [];
  assert.deepEqual(events.flatMap(told), [
    "semver: none of the 3 images of r/app fit, the last are ruled out by tags.semver",
    "exclude: none of the 3 images of r/app fit, the last are ruled out by tags.exclude",
    "glob: none of the 2 repositories of r fit",
  ]);
  assert.deepEqual([summary.images, summary.failedRules], [1, 1]);
});
