import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "../../../src/server/admission/database.ts";
import {
  createDecisionLog,
  decisionTable,
  type KeptDecision,
  newDecisionId,
} from "../../../src/server/admission/decision-log.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import { tempFolder } from "../../support/temp.ts";
import { repositoryOf, worldTime } from "./world.ts";

function decision(text = ""): KeptDecision {
  return {
    id: newDecisionId(),
    at: new Date(worldTime).toISOString(),
    kind: "manifest",
    outcome: "refused",
    mode: "enforce",
    repository: "docker.io/library/app",
    served: repositoryOf("docker.io/library/app"),
    image: "docker://app:v1",
    digest: "sha256:0",
    scope: "",
    images: [{ digest: "sha256:0", allowed: false, text }],
  };
}

async function log(events: ServerEvent[] = []) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const path = folder.in("decisions.sqlite");
  const database = stack.use(
    openDatabase({ path, schema: decisionTable, format: 1, durable: false }),
  );
  const report = (event: ServerEvent) => void events.push(event);
  const kept = createDecisionLog({ database, keep: 1000, maxBytes: 400_000, report });
  return { path, database, kept, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("what is too long is kept without its explanation, and all of them have bounds", async () => {
  await using world = await log();
  const long = decision("x".repeat(300_000));
  world.kept.keep(long);
  world.kept.list({ limit: 1 });
  assert.equal(world.kept.get(long.id)?.images[0]?.text, undefined);
  for (let round = 0; round < 300; round++) world.kept.keep(decision("x".repeat(2000)));
  const all = world.kept.list({ limit: 1000 });
  const bytes = all.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
  assert.ok(bytes < 400_000);
  assert.ok(all.length > 50);
});

test("what cannot be written is told of, and fails nobody", async () => {
  const events: ServerEvent[] = [];
  await using world = await log(events);
  world.database.run("DROP TABLE decisions");
  const one = decision();
  world.kept.keep(one);
  world.kept[Symbol.dispose]();
  assert.equal(events.length, 1);
  world.kept.keep(decision());
});

test("a file of a later format is left alone", async () => {
  await using world = await log();
  world.database.run("PRAGMA user_version = 2");
  assert.throws(
    () => openDatabase({ path: world.path, schema: decisionTable, format: 1, durable: false }),
    { code: "admission.newer-format" },
  );
});
