import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { digestOf } from "../../src/core/digest.ts";
import { artifactAbout, emptyConfig } from "../support/artifacts.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { skipWithout } from "../support/peers.ts";
import { tempFolder } from "../support/temp.ts";
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

test("eight processes that take turns attach 200 referrers, and none is lost", {
  skip: skipWithout("docker-registry"),
}, async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("locks"));
  const { failures, found, length } = await listedAfter(8, 25, ["2", folder.in("locks")]);
  assert.deepEqual(failures, []);
  const all = Array.from({ length: 200 }, (_, seed) => artifactAbout(subject, { seed }).digest);
  assert.deepEqual([...found].sort(), all.sort());
  assert.equal(length, 200);
});
