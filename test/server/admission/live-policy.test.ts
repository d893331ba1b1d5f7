import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { openLivePolicy } from "../../../src/server/admission/live-policy.ts";
import { tempFolder } from "../../support/temp.ts";
import {
  accept,
  admissionWorld,
  image,
  reject,
  replaceFile,
  type World,
  worldTime,
} from "./world.ts";

const repo = "docker.io/library/app";

/** Until it decides so; the time limit is the test's. */
async function until(world: World, status: 200 | 403 | 503): Promise<void> {
  for (;;) {
    const decision = await world.byTag(repo, "v1", image("one"));
    if ((decision.allowed ? 200 : decision.status) === status) return;
    await pause(10);
  }
}

const patient = { timeout: 120_000 };

test("a policy that was changed decides by itself after a moment", patient, async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] });
  await until(world, 200);
  await world.writePolicy({ [repo]: [reject] });
  await until(world, 403);
  await replaceFile(world.in("policy.json"), JSON.stringify({ default: [accept] }));
  await until(world, 200);
});

test(
  "a broken policy decides nothing, says so once, and is left when it is right again",
  patient,
  async () => {
    await using world = await admissionWorld({}, { [repo]: [accept] });
    await replaceFile(world.in("policy.json"), '{"default": [{"type": "insecureAcceptAnyth');
    await until(world, 503);
    const refused = await world.byTag(repo, "v1", image("one"));
    assert.ok(!refused.allowed);
    assert.match(refused.reason, /^policy: the trust policy cannot be used/);
    const errors = world.events.filter(
      (event) => event.type === "message" && event.level === "error",
    );
    assert.equal(errors.length, 1);
    await rm(world.in("policy.json"));
    world.admission.reload();
    await until(world, 503);
    await world.writePolicy({ [repo]: [accept] });
    await until(world, 200);
  },
);

test(
  "a broken policy refuses no one under audit, and an invalid overlay breaks it",
  patient,
  async () => {
    await using world = await admissionWorld(
      { scopes: [{ repositories: ["docker.io/audited"], mode: "audit" }] },
      { [repo]: [accept] },
    );
    await writeFile(world.in("x-policy.json"), "{}{");
    await until(world, 503);
    const decision = await world.byTag("docker.io/audited", "v1", image("one"));
    assert.ok(decision.allowed && decision.id);
  },
);

test("one that is written in pieces is not taken for broken at once", async (context) => {
  await using folder = await tempFolder();
  const file = folder.in("policy.json");
  const good = JSON.stringify({ default: [accept] });
  writeFileSync(file, good);
  context.mock.timers.enable({ apis: ["setInterval"] });
  using policy = openLivePolicy({
    policy: file,
    verifiers: createVerifiers({ now: () => new Date(worldTime) }),
    requireSigned: false,
    report: () => {},
  });
  const { current } = policy;
  writeFileSync(file, "{");
  context.mock.timers.tick(1000);
  assert.equal(policy.current, current);
  writeFileSync(file, good);
  context.mock.timers.tick(1000);
  assert.equal(policy.current, current);
  writeFileSync(file, "{");
  context.mock.timers.tick(2000);
  assert.equal(policy.current.state, "broken");
  writeFileSync(file, good);
  context.mock.timers.tick(1000);
  assert.equal(policy.current.state, "ready");
});

test("another place of signatures is another decision", patient, async () => {
  await using world = await admissionWorld({ decisionTtl: "1h" }, { [repo]: [accept] });
  const first = await world.byTag(repo, "v1", image("one"));
  await mkdir(world.in("registries.d"));
  await writeFile(world.in("registries.d", "a.yaml"), "default-docker: {}\n");
  for (;;) {
    const next = await world.byTag(repo, "v1", image("one"));
    if (next.id !== first.id) break;
    await pause(10);
  }
});

test("a server whose policy is broken does not start", async () => {
  await assert.rejects(admissionWorld({}, { [repo]: [{ type: "nonsense" }] }), /nonsense/);
});
