import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { SyncReport } from "../../src/sync/report.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import { refuse } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

type Line = Readonly<Record<string, unknown>>;

async function linesOf(path: string): Promise<Line[]> {
  const text = await readFile(path, "utf8");
  assert.ok(text.endsWith("\n"));
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("SyncReport tells every image once, and in the end the sum", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  await using folder = await tempFolder();
  const image = makeImage({ seed: 5, type: "oci" });
  for (const tag of ["a", "b", "c"]) source.seed("made", tag, image);
  destination.seed("there", "b", image);
  source.behave({
    on: /manifests\/c$/,
    times: 9,
    fault: refuse(404, { code: "MANIFEST_UNKNOWN" }),
  });
  await using engine = new Engine();
  const path = folder.in("report.jsonl");
  const rule = mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`);
  {
    using report = new SyncReport(path, { mode: "new", dryRun: false, now: () => 0 });
    const { summary } = await mirrorWith(engine, [rule], {
      keepGoing: true,
      parallel: 1,
      report: (event) => report.note(event),
    });
    report.end(summary, { requests: 7 });
  }
  const lines = await linesOf(path);
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["run", "listed", "image", "image", "image", "summary"],
  );
  const [copied, unchanged, failed] = lines.filter(({ type }) => type === "image");
  const { bytesMoved, bytesSpared, ms, ...told } = copied ?? {};
  assert.deepEqual(told, {
    type: "image",
    time: "1970-01-01T00:00:00.000Z",
    number: 1,
    rule: rule.name,
    from: `docker://${source.host}/made:a`,
    to: `docker://${destination.host}/there:a`,
    outcome: "copied",
    source: image.digest,
    digest: image.digest,
    attempts: 1,
  });
  assert.ok(Number(bytesMoved) > 0 && Number(bytesSpared) >= 0 && Number(ms) >= 0);
  assert.equal(unchanged?.["outcome"], "unchanged");
  assert.equal(unchanged?.["source"], image.digest);
  assert.equal(failed?.["outcome"], "failed");
  assert.equal(failed?.["code"], "copy.source-failed");
  const sum = lines.at(-1);
  assert.deepEqual(
    [sum?.["images"], sum?.["copied"], sum?.["unchanged"], sum?.["failed"], sum?.["requests"]],
    [3, 1, 1, 1, 7],
  );
});

test("SyncReport goes on behind a run that was killed in the middle of a line", async () => {
  await using folder = await tempFolder();
  const path = folder.in("report.jsonl");
  const options = { dryRun: false, now: () => 0 };
  const listed = (what: string) =>
    ({ type: "listed", rule: "r", what, found: 1, taken: 1 }) as const;
  {
    using report = new SyncReport(path, { mode: "new", ...options });
    for (let n = 0; n < 3000; n++) report.note(listed(`number ${n}`));
  }
  await appendFile(path, '{"type":"image","time":"19');
  {
    using report = new SyncReport(path, { mode: "continue", ...options });
    report.note(listed("more"));
  }
  const lines = await linesOf(path);
  assert.equal(lines.length, 3003);
  assert.equal(lines.filter(({ type }) => type === "run").length, 2);
  assert.equal(lines.at(-1)?.["what"], "more");
  assert.equal(lines.findLast(({ type }) => type === "run")?.["continues"], true);
  using fresh = new SyncReport(path, { mode: "new", ...options });
  fresh.note(listed("only"));
  assert.equal((await linesOf(path)).length, 2);
});

test("SyncReport tells what could not be removed without taking others along", async () => {
  await using folder = await tempFolder();
  await using engine = new Engine();
  const { reference } = await engine.end("docker://127.0.0.1:1/there:alias", "destination");
  const path = folder.in("report.jsonl");
  {
    using report = new SyncReport(path, { mode: "new", dryRun: false, now: () => 0 });
    report.note({ type: "prune-left", rule: "r", reference, why: "another has the same" });
  }
  const told = { rule: "r", reference: "docker://127.0.0.1:1/there:alias" };
  const time = "1970-01-01T00:00:00.000Z";
  assert.deepEqual((await linesOf(path))[1], {
    ...{ type: "prune-left", time, ...told, why: "another has the same" },
  });
});

const nothing = {
  ...{ images: 0, copied: 0, unchanged: 0, left: 0, failed: 0, stopped: 0, companions: 0 },
  ...{
    pruned: 0,
    failedRules: 0,
    bytesMoved: 0,
    bytesSpared: 0,
    ms: 0,
    prunable: 0,
    imageRetries: 0,
  },
};

test("SyncReport resumes where a run did not come to its end, and begins anew behind one that did", async () => {
  await using folder = await tempFolder();
  const path = folder.in("report.jsonl");
  const runs: number[] = [];
  const run = async (end?: { readonly stopped: number; readonly interrupted?: true }) => {
    {
      using report = new SyncReport(path, { mode: "resume", dryRun: false, now: () => 0 });
      if (end) report.end({ ...nothing, ...end });
    }
    runs.push((await linesOf(path)).filter(({ type }) => type === "run").length);
  };
  await run();
  await appendFile(path, '{"type":"image","time":"19'); // killed
  await run({ stopped: 2 });
  await run({ stopped: 0, interrupted: true });
  await run({ stopped: 0 });
  await run();
  await writeFile(path, "what is no report\n");
  await run();
  assert.deepEqual(runs, [1, 2, 3, 4, 1, 1]);
});

test("SyncReport tells in the end that it could not be written", () => {
  using report = new SyncReport("/dev/full", { mode: "new", dryRun: false, now: () => 0 });
  assert.throws(() => report.end(nothing), { code: "ENOSPC" });
});
