import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { landlockVersion } from "../../src/libc/landlock.ts";
import { tempFolder } from "../support/temp.ts";

const source = (path: string) =>
  JSON.stringify(new URL(`../../src/libc/${path}.ts`, import.meta.url));

/** What a confined thread can and cannot do. */
const confined = `
  const { parentPort, workerData } = require("node:worker_threads");
  const fs = require("node:fs");
  const tried = (action) => { try { action(); return "done"; } catch (error) { return error.code; } };
  (async () => {
    const { confineTo } = await import(${source("landlock")});
    const { keepCapabilities } = await import(${source("capabilities")});
    const folder = fs.openSync(workerData.inside, "r");
    const works = confineTo([folder]);
    keepCapabilities([]);
    const { inside, outside } = workerData;
    parentPort.postMessage({
      works,
      inside: tried(() => fs.writeFileSync(inside + "/made", "x")),
      outside: tried(() => fs.writeFileSync(outside + "/made", "x")),
      read: tried(() => fs.readFileSync(outside + "/secret")),
      owner: tried(() => fs.fchownSync(folder, 12345, 12345)),
    });
  })();
`;

test("confineTo() leaves a thread its folder alone, and other threads everything", {
  skip: landlockVersion() < 2 && "this kernel has no Landlock, or an old one",
}, async () => {
  await using temp = await tempFolder();
  const workerData = { inside: temp.in("inside"), outside: temp.in("outside") };
  for (const folder of Object.values(workerData)) mkdirSync(folder);
  writeFileSync(temp.in("outside", "secret"), "secret");
  const worker = new Worker(confined, { eval: true, workerData });
  const told = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  assert.deepEqual(told, {
    works: true,
    inside: "done",
    outside: "EACCES",
    read: "EACCES",
    owner: "EPERM",
  });
  await new Promise((resolve) => worker.once("exit", resolve));
  assert.equal(readFileSync(temp.in("outside", "secret"), "utf8"), "secret");
  writeFileSync(temp.in("outside", "made"), "x");
});
