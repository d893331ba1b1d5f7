import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { openAuditLog } from "../../../src/server/audit/open-audit-log.ts";
import { readAuditLog, verifyAuditLog } from "../../../src/server/audit/verify-audit-log.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const time = Date.parse("2026-11-27T07:00:00Z");

function open(folder: TempFolder, options: { maxBytes?: number; keep?: number } = {}) {
  const file = folder.in("log", "audit.jsonl");
  const { maxBytes = 1e9, keep = 0 } = options;
  return openAuditLog({ file, maxBytes, keep, now: () => time, report: () => {}, gatherMs: 1 });
}

function files(folder: TempFolder): string[] {
  return readdirSync(folder.in("log"))
    .filter((name) => name.startsWith("audit"))
    .map((name) => folder.in("log", name));
}

async function typesIn(folder: TempFolder): Promise<string[]> {
  return (await Array.fromAsync(readAuditLog(files(folder)))).map(({ type }) => type);
}

test("a log keeps what was noted in order, goes on where it ended, and only its user reads it", async () => {
  await using folder = await tempFolder();
  for (const type of ["started", "pull"] as const) {
    await using log = await open(folder);
    for (let count = 0; count < 300; count++) log.note({ type, detail: `${count}\n\u202e"` });
  }
  const [file = ""] = files(folder);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { lines, first, head, problems } = await verifyAuditLog([file]);
  assert.deepEqual([lines, first, head.sequence, problems], [600, 1, 600, []]);
  const read = await Array.fromAsync(readAuditLog([file]));
  assert.deepEqual(
    read.map(({ detail }) => parseInt(detail ?? "", 10)),
    [...Array(300).keys(), ...Array(300).keys()],
  );
  assert.equal(read[0]?.time, "2026-11-27T07:00:00.000Z");
});

test("a line that was not finished is cut off at the next start, which is noted", async () => {
  await using folder = await tempFolder();
  for (const torn of ['{"seq":', "\0\0\0\0\0", "{"]) {
    {
      await using log = await open(folder);
      log.note({ type: "pull" });
    }
    const [file = ""] = files(folder);
    appendFileSync(file, torn);
    assert.equal((await verifyAuditLog([file])).unfinishedBytes, torn.length);
  }
  await using _log = await open(folder);
  const expected = ["pull", "repaired", "pull", "repaired", "pull", "repaired"];
  assert.deepEqual(await typesIn(folder), expected);
  assert.deepEqual((await verifyAuditLog(files(folder))).problems, []);
});

test("a whole last line that is none of a log is not gone on with", async () => {
  await using folder = await tempFolder();
  {
    await using log = await open(folder);
    log.note({ type: "pull" });
  }
  appendFileSync(files(folder)[0] ?? "", "hello\n");
  await assert.rejects(() => open(folder), { code: "server.bad-audit-log" });
});

test("every change of a line, and every missing one but the last, is found", async () => {
  await using folder = await tempFolder();
  {
    await using log = await open(folder);
    for (let count = 0; count < 6; count++) log.note({ type: "pull", user: `u${count}` });
  }
  const [file = ""] = files(folder);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const spoilt = folder.in("spoilt");
  const check = async (changed: readonly string[]) => {
    writeFileSync(spoilt, `${changed.join("\n")}\n`);
    return (await verifyAuditLog([spoilt])).problems;
  };
  for (const [index, line] of lines.slice(0, -1).entries()) {
    const changed = lines.with(index, line.replace(`u${index}`, "me"));
    assert.deepEqual(
      (await check(changed)).map((problem) => problem.line),
      [index + 2],
    );
    assert.notEqual((await check(lines.toSpliced(index, 1))).length, 0);
    assert.notEqual((await check(lines.toSpliced(index, 0, line))).length, 0);
  }
  const { head } = await verifyAuditLog([file]);
  assert.deepEqual(await check(lines.slice(0, -1)), []);
  assert.equal((await verifyAuditLog([spoilt], head.sequence)).wanted, undefined);
  assert.equal((await verifyAuditLog([file], head.sequence)).wanted, head.hash);
  assert.notEqual((await check(lines.with(2, "{}"))).length, 0);
});

test("the chain goes through files that were put aside, of which the oldest may be removed", async () => {
  await using folder = await tempFolder();
  for (let run = 0; run < 2; run++) {
    await using log = await open(folder, { maxBytes: 2000 });
    for (let count = 0; count < 20; count++) {
      log.note({ type: "push", user: `u${count}` });
      await log.flush();
    }
  }
  assert.ok(files(folder).length >= 3);
  const all = await verifyAuditLog(files(folder).reverse());
  assert.deepEqual([all.lines, all.first, all.problems], [40, 1, []]);
  const newest = folder.in("log", "audit.jsonl");
  const lines = readFileSync(newest, "utf8");
  const alone = await verifyAuditLog([newest]);
  assert.ok(alone.lines > 1 && (alone.first ?? 0) > 1);
  assert.deepEqual(alone.problems, []);
  writeFileSync(newest, lines.slice(lines.indexOf("\n") + 1));
  assert.equal((await verifyAuditLog([newest])).problems.length, 1);
  writeFileSync(newest, lines);
  {
    await using log = await open(folder, { maxBytes: 10, keep: 2 });
    log.note({ type: "push" });
  }
  const kept = await verifyAuditLog(files(folder));
  assert.equal(files(folder).length, 3);
  assert.deepEqual([kept.head.sequence, kept.problems], [41, []]);
  assert.ok((kept.first ?? 0) > 1);
  const [oldest = ""] = files(folder)
    .filter((name) => /\d$/.test(name))
    .sort();
  const text = readFileSync(oldest, "utf8");
  writeFileSync(oldest, text.slice(text.indexOf("\n") + 1));
  const beheaded = await verifyAuditLog(files(folder));
  assert.deepEqual(
    beheaded.problems.map(({ file, line }) => [file, line]),
    [[oldest, 1]],
  );
  writeFileSync(oldest, text);
  await using _log = await open(folder);
});

test("two processes write one log", async () => {
  await using folder = await tempFolder();
  await using one = await open(folder, { maxBytes: 3000 });
  await using two = await open(folder, { maxBytes: 3000 });
  for (let count = 0; count < 30; count++) {
    one.note({ type: "pull", user: "one" });
    two.note({ type: "pull", user: "two" });
    if (count % 5 === 0) await Promise.all([one.flush(), two.flush()]);
  }
  await Promise.all([one.flush(), two.flush()]);
  const { lines, problems } = await verifyAuditLog(files(folder));
  assert.deepEqual([lines, problems], [60, []]);
});

test("a process killed while it writes loses no line that was flushed, and leaves a log that goes on", async () => {
  await using folder = await tempFolder();
  const script = folder.in("writer.ts");
  const module = new URL("../../../src/server/audit/open-audit-log.ts", import.meta.url);
  const file = folder.in("log", "audit.jsonl");
  writeFileSync(
    script,
    `import { openAuditLog } from ${JSON.stringify(module.href)};
     const log = await openAuditLog({ file: ${JSON.stringify(file)}, maxBytes: 20000, keep: 0,
       now: () => ${time}, report: () => {}, gatherMs: 0 });
     for (let count = 0; ; count++) {
       for (let more = 0; more < 20; more++) log.note({ type: "pull", detail: "x".repeat(200) });
       await log.flush();
       process.stdout.write(".");
     }`,
  );
  let flushed = 0;
  for (let run = 0; run < 2; run++) {
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    for (let dots = 0; dots < 3 + run; ) dots += (await once(child.stdout, "data"))[0].length;
    child.kill("SIGKILL");
    child.stdout.on("data", (dots: Buffer) => (flushed += 20 * dots.length));
    await once(child, "close");
    flushed += 20 * (3 + run);
    const { problems, lines } = await verifyAuditLog(files(folder));
    assert.deepEqual(problems, []);
    assert.ok(lines >= flushed);
  }
});

test("a log that cannot be written says so, and has everything when it can be again", async () => {
  await using folder = await tempFolder();
  const told: string[] = [];
  const options = { file: folder.in("log", "audit.jsonl"), maxBytes: 1e9, keep: 0, gatherMs: 0 };
  const report = (event: ServerEvent) => event.type === "message" && told.push(event.text);
  await using log = await openAuditLog({ ...options, now: () => time, report });
  log.note({ type: "started" });
  await log.flush();
  // A file where the lock's folder should be made: nobody, not even root, gets past that.
  renameSync(folder.in("log"), folder.in("away"));
  writeFileSync(folder.in("log"), "");
  log.note({ type: "pull" });
  await assert.rejects(log.flush(), { code: "server.bad-audit-log" });
  assert.notEqual(log.trouble, undefined);
  log.note({ type: "push" });
  rmSync(folder.in("log"));
  renameSync(folder.in("away"), folder.in("log"));
  await log.flush();
  assert.equal(log.trouble, undefined);
  assert.deepEqual(await typesIn(folder), ["started", "pull", "push"]);
  assert.deepEqual(told, ["audit log cannot be written", "audit log is written again"]);
});
