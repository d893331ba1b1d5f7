import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createWorkerProcesses } from "../../../src/server/jobs/worker-processes.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import { tempFolder } from "../../support/temp.ts";

/** Writes its number down, then does as its file says: stays until told to end, dies, or will not end. */
const program = `
  const { appendFileSync, readFileSync } = require("node:fs");
  const [folder, number] = process.argv.slice(1);
  appendFileSync(folder + "/began", number + " " + process.pid + "\\n");
  const how = readFileSync(folder + "/how", "utf8");
  if (how === "die") process.exit(3);
  process.on("SIGTERM", () => how === "stay" && process.exit(0));
  process.stdin.on("end", () => how === "stay" && process.exit(0)).resume();
  setInterval(() => {}, 1000);
`;

async function world(how: string, count = 2) {
  const folder = await tempFolder();
  await writeFile(folder.in("how"), how);
  await writeFile(folder.in("began"), "");
  const events: ServerEvent[] = [];
  const workers = createWorkerProcesses({
    count,
    command: (number) => [process.execPath, "-e", program, folder.path, String(number)],
    env: process.env,
    endWithinMs: 300,
    report: (event) => void events.push(event),
  });
  const began = async () =>
    (await readFile(folder.in("began"), "utf8")).trim().split("\n").filter(Boolean);
  const until = async (enough: (lines: readonly string[]) => boolean) => {
    for (;;) {
      const lines = await began();
      if (enough(lines)) return lines;
      await sleep(20);
    }
  };
  return { folder, events, workers, began, until };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const pidsOf = (lines: readonly string[]) => lines.map((line) => Number(line.split(" ")[1]));

test("workers begin when there is work, once, and are gone when they are disposed of", async () => {
  const { folder, workers, began, until, events } = await world("stay");
  assert.deepEqual(await began(), []);
  for (let times = 0; times < 5; times++) workers.wake();
  const lines = await until(({ length }) => length >= 2);
  assert.deepEqual(lines.map((line) => line.split(" ")[0]).toSorted(), ["1", "2"]);
  await Promise.all([workers[Symbol.asyncDispose](), workers[Symbol.asyncDispose]()]);
  for (const pid of pidsOf(lines)) assert.ok(!isAlive(pid));
  workers.wake();
  assert.deepEqual(await began(), lines);
  assert.deepEqual(events, []);
  await folder[Symbol.asyncDispose]();
});

test("a worker that dies is told of and started again, ever later", async () => {
  const { folder, workers, until, events } = await world("die", 1);
  workers.wake();
  await until(({ length }) => length >= 3);
  await workers[Symbol.asyncDispose]();
  assert.ok(events.length >= 2);
  assert.ok(events.every((event) => event.type === "message" && event.fields?.["how"] === 3));
  await folder[Symbol.asyncDispose]();
});

test("a worker that was killed is started again, one that will not end is killed", async () => {
  const { folder, workers, until } = await world("cling", 1);
  workers.wake();
  const [first = 0] = pidsOf(await until(({ length }) => length === 1));
  process.kill(first, "SIGKILL");
  const [, second = 0] = pidsOf(await until(({ length }) => length === 2));
  await workers[Symbol.asyncDispose]();
  assert.ok(!isAlive(second));
  await folder[Symbol.asyncDispose]();
});

test("workers are renewed by others that begin at once, and nothing is told of those that leave", async () => {
  const { folder, workers, until, events } = await world("stay", 1);
  workers.renew();
  workers.wake();
  await until(({ length }) => length === 1);
  workers.renew();
  const lines = await until(({ length }) => length === 2);
  await workers[Symbol.asyncDispose]();
  for (const pid of pidsOf(lines)) assert.ok(!isAlive(pid));
  assert.deepEqual(events, []);
  await folder[Symbol.asyncDispose]();
});

test("a program that is not there is told of, and nothing else fails", async () => {
  const events: ServerEvent[] = [];
  const workers = createWorkerProcesses({
    count: 1,
    command: () => ["/nowhere/amphora"],
    env: {},
    endWithinMs: 100,
    report: (event) => void events.push(event),
  });
  workers.wake();
  while (events.length === 0) await sleep(10);
  await workers[Symbol.asyncDispose]();
  assert.equal(events[0]?.type === "message" && events[0].fields?.["how"], "cannot be started");
});
