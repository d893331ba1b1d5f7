import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { KnownError } from "../../src/core/errors.ts";
import { Engine, type EngineOptions, noticesSilence } from "../support/engine.ts";
import { everyStep } from "../support/faults.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import {
  cutResponse,
  dropRequest,
  type Fault,
  flipByte,
  hang,
  loseReply,
  refuse,
  reset,
} from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

// Every step in a soak; in everyday runs the first four and then every fifth.
const sample = process.env["AMPHORA_SOAK"] === "1" ? 1 : 5;
const index = makeMultiArch({ seed: 80, type: "oci", layers: 2, layerBytes: 40_000 });
const single = makeImage({ seed: 81, type: "oci", layers: 3, layerBytes: 100_000 });

/** Faults that a client can outlive: one of them, at whichever request, never fails a copy. */
const survivable: Readonly<Record<string, () => Fault>> = {
  "is reset": reset,
  "is answered 503": () => refuse(503),
  "is answered 429": () => refuse(429, { retryAfter: 1 }),
  "is cut after 10 bytes": () => cutResponse(10),
  "is dropped after 1000 bytes sent": () => dropRequest(1000),
  "is done but unanswered": () => loseReply(),
};

suite("copy() succeeds whichever request", { concurrency: 3 }, () => {
  for (const [name, fault] of Object.entries(survivable)) {
    test(name, { timeout: 300_000 }, async () => {
      const steps = await everyStep((nth) => copyOnce(nth, fault(), "must succeed"), { sample });
      assert.ok(steps > 15);
    });
  }
});

/** Faults that may end a copy, but only with a code and nothing wrong at the destination. */
const fatal: Readonly<Record<string, () => Fault>> = {
  hangs: hang,
  "has a byte flipped": () => flipByte(30),
  "is denied": () => refuse(403, { code: "DENIED" }),
  "is answered 404": () => refuse(404, { code: "NAME_UNKNOWN" }),
  "is answered with nonsense": () => refuse(200, { code: "NONSENSE" }),
};

suite("copy() never stores what is wrong, whichever request", { concurrency: 3 }, () => {
  for (const [name, fault] of Object.entries(fatal)) {
    test(name, { timeout: 300_000 }, async () => {
      const options = name === "hangs" ? noticesSilence : {};
      await everyStep((nth) => copyOnce(nth, fault(), "may fail", options), { sample });
    });
  }
});

async function copyOnce(
  nth: number,
  fault: Fault,
  expect: "must succeed" | "may fail",
  options: EngineOptions = {},
): Promise<"failed" | "through"> {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("from", "v1", index);
  let seen = 0;
  const rule = { on: () => seen++ === nth, fault };
  const rules = [source.behave(rule), destination.behave(rule)];
  await using engine = new Engine(options);
  const to = `docker://${destination.host}/to:v1`;
  try {
    const from = `docker://${source.host}/from:v1`;
    const digest = await engine.copy(from, to, { select: { type: "all" } });
    assert.equal(digest, index.digest);
  } catch (error) {
    if (expect === "must succeed") throw error;
    assert.ok(error instanceof KnownError, `no code: ${String(error)}`);
  }
  assertConsistent(destination);
  return rules.every(({ hits }) => hits === 0) ? "through" : "failed";
}

/** Whatever has a tag is whole. */
function assertConsistent(registry: Registry): void {
  const repository = registry.store.repositories.get("to");
  const tagged = repository?.resolve("v1");
  if (!(repository && tagged)) return;
  assert.equal(tagged, index.digest);
  for (const digest of index.blobs.keys()) assert.ok(repository.blobs.has(digest), digest);
}

suite("copy() into a folder leaves nothing behind, whichever request of the source", () => {
  for (const place of ["oci", "dir"]) {
    test(`is denied, into ${place}:`, { timeout: 300_000 }, async () => {
      await everyStep((nth) => copyToFolder(nth, place), { sample: Math.ceil(sample / 2) });
    });
  }
});

async function copyToFolder(nth: number, place: string): Promise<"failed" | "through"> {
  await using source = await startRegistry();
  await using folder = await tempFolder();
  source.seed("from", "v1", single);
  const rule = source.behave({ nth: nth + 1, fault: refuse(403, { code: "DENIED" }) });
  await using engine = new Engine();
  const to = place === "dir" ? `dir:${folder.in("out")}` : `oci:${folder.in("out")}:v1`;
  try {
    await engine.copy(`docker://${source.host}/from:v1`, to);
  } catch (error) {
    assert.ok(error instanceof KnownError, `no code: ${String(error)}`);
    if (place === "dir") assert.deepEqual(await readdir(folder.path), []);
    else await assertOnlyVerified(folder.in("out"));
    return "failed";
  }
  return rule.hits === 0 ? "through" : "failed";
}

/**
 * Whole blobs may stay, as skopeo's do: the next try finds them, and another writer may count on them by now. Nothing else
 * may: no half a blob, no index that names what is not there.
 */
async function assertOnlyVerified(layout: string): Promise<void> {
  const names: string[] = await readdir(layout).catch((): string[] => []);
  assert.ok(!names.includes("index.json"), "an index was written");
  assert.deepEqual(
    names.filter((name) => name !== "blobs" && name !== "oci-layout"),
    [],
  );
  for (const hex of await readdir(`${layout}/blobs/sha256`).catch((): string[] => [])) {
    const bytes = await readFile(`${layout}/blobs/sha256/${hex}`);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), hex);
  }
}
