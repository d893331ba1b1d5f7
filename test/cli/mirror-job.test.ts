import assert from "node:assert/strict";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { clock } from "../../src/cli/clock.ts";
import type { JobEnds } from "../../src/cli/jobs/job-ends.ts";
import { beginStory, type JobStory } from "../../src/cli/jobs/job-story.ts";
import type { PerformParts } from "../../src/cli/jobs/perform.ts";
import { performCopyJob } from "../../src/cli/jobs/perform-copy.ts";
import { performSync } from "../../src/cli/jobs/perform-sync.ts";
import type { CopyEvent } from "../../src/copy/events.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { JobError } from "../../src/jobs/errors.ts";
import type { JobProgress } from "../../src/jobs/job.ts";
import type { JobEvent } from "../../src/jobs/ledger.ts";
import { createLocalCoordinator } from "../../src/sync/local-coordinator.ts";
import { parseMirror } from "../../src/sync/parse-mirror.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { noTrust } from "../support/no-trust.ts";
import { hang, refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const platform = { os: "linux", architecture: "amd64" };

/** A mirror of the settings that prunes. */
function pruning({ host }: Registry): string {
  return `mirrors: [{ from: ${host}/made, to: ${host}/there, prune: { threshold: 100% } }]`;
}

/** A mirror of the settings, or one that came with the job, as a worker runs it once. */
async function runJob(
  engine: Engine,
  text: string,
  own?: { readonly folder: string },
  story = { tellSync() {} } as unknown as JobStory,
) {
  const document = await parseMirror(text, { file: "mirror", platform });
  await using coordinator = createLocalCoordinator(() => ({}), clock);
  const ends = {
    parts: { platform },
    openHost: async () => ({
      resolve: (name: string, as: "source" | "destination") => engine.end(name, as),
    }),
  } as unknown as JobEnds;
  const parts = {
    ends,
    coordinator,
    gate: { now: () => createGate(acceptAnything, noTrust) },
    mirrors: new Map([["apps", document]]),
    settings: { jobs: { folders: [own?.folder] } },
    hosts: { mayName: () => true },
  } as unknown as PerformParts & { readonly ends: JobEnds };
  const { signal } = new AbortController();
  const request = { kind: "sync", mirror: own ? text : "apps", dryRun: false } as const;
  return await performSync(request, parts, { id: "1", owner: "ann", signal, story });
}

for (const [status, retryable] of [
  [503, true],
  [403, false],
] as const) {
  test(`a mirror whose second page of tags is refused with ${status} is ${retryable ? "" : "not "}tried again, and prunes nothing`, async () => {
    await using registry = await startRegistry();
    await using engine = new Engine();
    registry.features = { ...registry.features, pageLimit: 1 };
    for (const tag of ["1", "2"]) registry.seed("made", tag, makeImage());
    registry.seed("there", "old", makeImage());
    const times = Number.POSITIVE_INFINITY;
    registry.behave({ on: /made\/tags\/list.*last=/, times, fault: refuse(status) });
    const done = await runJob(engine, pruning(registry));
    assert.ok("failure" in done);
    assert.deepEqual([done.failure.code, done.retryable], ["sync.incomplete", retryable]);
    assert.deepEqual([...registry.store.open("there").tags.keys()], ["old"]);
  });
}

test("a job's progress comes to what its result says", async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  for (const tag of ["1", "2"]) registry.seed("made", tag, makeImage({ layers: 2 }));
  registry.seed("made", "3", makeImage({ layers: 1, seed: 3 }));
  let progress: JobProgress | undefined;
  const ledger = {
    note: async () => {},
    progress: async (_id: string, told: JobProgress) => {
      progress = told;
    },
  };
  const done = await (async () => {
    await using story = beginStory({ ledger, id: "1" });
    const { host } = registry;
    const text = `mirrors: [{ from: ${host}/made, to: ${host}/a }, { from: ${host}/made, to: ${host}/b }]`;
    return await runJob(engine, text, undefined, story);
  })();
  assert.ok("kind" in done && done.kind === "sync");
  const { bytesMoved, bytesSpared } = done.summary;
  assert.ok(bytesMoved > 0 && bytesSpared > 0);
  assert.deepEqual(progress?.bytes, { moved: bytesMoved, spared: bytesSpared });
});

test("a copy that is called off tells of no failure", { timeout: 120_000 }, async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  registry.seed("made", "1", makeImage());
  const silent = registry.behave({ on: /made\/manifests/, times: 9, fault: hang() });
  const told: unknown[] = [];
  let progress: JobProgress | undefined;
  const ledger = {
    note: async (_id: string, event: object) => {
      told.push(event);
    },
    progress: async (_id: string, come: JobProgress) => {
      progress = come;
    },
  };
  const stop = new AbortController();
  const ends = {
    parts: { platform },
    resolve: ({ image }: { image: string }, as: "source" | "destination") => engine.end(image, as),
  } as unknown as JobEnds;
  await using coordinator = createLocalCoordinator(() => ({}), clock);
  const parts = { ends, coordinator, gate: { now: () => createGate(acceptAnything, noTrust) } };
  const [from, to] = ["made", "there"].map((name) => ({
    image: `docker://${registry.host}/${name}:1`,
  }));
  assert.ok(from && to);
  {
    await using story = beginStory({ ledger, id: "1" });
    const context = { id: "1", owner: "ann", signal: stop.signal, story };
    const done = performCopyJob(
      { kind: "copy", from, to, options: {} },
      parts as unknown as Parameters<typeof performCopyJob>[1],
      context,
    );
    done.catch(() => {}); // told below
    while (silent.hits === 0) await pause(5);
    stop.abort(new Error("cancelled"));
    await assert.rejects(done);
  }
  const names = { from: from.image, to: to.image };
  assert.deepEqual(told, [{ type: "image", ...names, state: "started" }]);
  assert.deepEqual(progress?.images, { found: 1, ended: 1, failed: 0 });
});

test("a job tells of what was left where it is, and why", async () => {
  await using engine = new Engine();
  const { reference: from } = await engine.end("docker://127.0.0.1:1/made:1", "source");
  const { reference: to } = await engine.end("docker://127.0.0.1:1/there:1", "destination");
  const told: unknown[] = [];
  const ledger = {
    note: async (_id: string, event: unknown) => {
      told.push(event);
    },
    progress: async () => {},
  };
  {
    await using story = beginStory({ ledger, id: "1" });
    const { digest: manifest } = makeImage();
    const item = { number: 1, rule: "r", from, to };
    const why = "no room";
    story.tellSync({ type: "companion-left", item, manifest, what: "application/sbom", why });
    story.tellSync({ type: "prune-left", rule: "r", reference: to, why: "one more has it" });
  }
  assert.deepEqual(told, [
    {
      type: "message",
      level: "warning",
      text: "left application/sbom of docker://127.0.0.1:1/made:1: no room",
    },
    {
      type: "message",
      level: "warning",
      text: "kept docker://127.0.0.1:1/there:1: one more has it",
    },
  ]);
});

test("a job tells again what its ledger did not take, in order and but for blobs", async () => {
  const told: unknown[] = [];
  let isAway = true;
  const ledger = {
    note: async (_id: string, event: JobEvent) => {
      if (isAway && told.length === 1) throw new JobError("job.queue-unreachable", "away");
      told.push(event);
    },
    progress: async () => {},
  };
  const ended = (name: string) =>
    ({ type: "image", from: name, to: `to ${name}`, state: "copied" }) as const;
  {
    await using story = beginStory({ ledger, id: "1", everyMs: 5 });
    for (const name of ["a", "b", "c"]) story.tell(ended(name));
    const digest = parseDigest(`sha256:${"0".repeat(64)}`);
    story.tellCopy("d", { type: "blob-moving", blob: digest, size: 10, sent: 5 } as CopyEvent);
    await pause(50);
    story.tell(ended("d"));
    isAway = false;
  }
  assert.deepEqual(told, ["a", "b", "c", "d"].map(ended));
});

test("the folders that a job's images lie in are made, within those that jobs may use", async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  await using folder = await tempFolder();
  registry.seed("team/app", "1", makeImage());
  await mkdir(folder.in("files"));
  await mkdir(folder.in("outside"));
  await symlink(folder.in("outside"), folder.in("files/link"));
  const own = { folder: folder.in("files") };
  const to = (path: string) =>
    `mirrors: [{ from: ${registry.host}/team/app, to: "dir:${folder.path}/${path}/" }]`;
  assert.ok(!("failure" in (await runJob(engine, to("files/deep/er"), own))));
  assert.deepEqual(await readdir(folder.in("files/deep/er/team")), ["app:1"]);
  for (const path of ["files/link", "files/link/more", "elsewhere", "files/../outside"])
    assert.ok("failure" in (await runJob(engine, to(path), own)), path);
  assert.deepEqual(await readdir(folder.path), ["files", "outside"]);
  assert.deepEqual(await readdir(folder.in("outside")), []);
});
