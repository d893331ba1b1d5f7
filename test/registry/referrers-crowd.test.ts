import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { digestOf } from "../../src/core/digest.ts";
import { artifactAbout, emptyConfig } from "../support/artifacts.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { streamOf, testHost } from "./support.ts";

const writer = fileURLToPath(new URL("referrer-writer.ts", import.meta.url));
const { signal } = new AbortController();
const subject = digestOf(Buffer.from("an image"));

/** Runs `processes` that attach `each` artifacts to the subject, so many at once; fails where one of them does. */
async function crowd(host: string, processes: number, each: number, more: readonly string[]) {
  const ended = Array.from({ length: processes }, async (_, index) => {
    const words = [host, "app", subject, String(index * each), String(each), ...more];
    const child = spawn(process.execPath, [writer, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = await once(child, "exit");
    return code === 0 ? "" : said;
  });
  return (await Promise.all(ended)).filter((said) => said !== "");
}

async function listedAfter(processes: number, each: number, more: readonly string[]) {
  await using registry = await startDockerRegistry();
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  for (const blob of [emptyConfig, Buffer.from("what is in it")]) {
    const descriptor = { mediaType: "any", digest: digestOf(blob), size: blob.byteLength };
    await repository.writeBlob(streamOf(blob, descriptor), { signal });
  }
  const failures = await crowd(registry.host, processes, each, more);
  const found = await repository.readReferrers(subject, { signal });
  return { failures, found: new Set(found.map(({ digest }) => digest)), length: found.length };
}

const soak = process.env["AMPHORA_SOAK"] === "1";

/** Eight processes and 200 artifacts, or fewer of both. */
const [processes, each] = soak ? [8, 25] : [3, 6];

async function assertNoneIsLost(redis: readonly string[]): Promise<void> {
  const { failures, found, length } = await listedAfter(processes, each, ["2", ...redis]);
  assert.deepEqual(failures, []);
  const seeds = Array.from({ length: processes * each }, (_, seed) => seed);
  const all = seeds.map((seed) => artifactAbout(subject, { seed }).digest);
  assert.deepEqual([...found].sort(), all.sort());
  assert.equal(length, all.length);
}

test("processes that share turns attach artifacts to one subject, and none is lost", {
  skip: skipWithout("docker-registry", "redis-server"),
}, async () => {
  await using redis = await startRedis();
  await assertNoneIsLost([redis.socket]);
});

test("processes that share nothing attach artifacts to one subject, and none is lost", {
  skip: soak
    ? skipWithout("docker-registry")
    : "only with AMPHORA_SOAK=1: it is likely, and not certain",
}, async () => {
  await assertNoneIsLost([]);
});
