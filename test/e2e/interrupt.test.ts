import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { suite, test } from "node:test";
import { builtProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { stallResponse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const image = makeImage({ seed: 160, layers: 2, layerBytes: 1_000_000 });

/** Well before the silence of the source would end it, which takes a minute. */
const soonMs = 30_000;

/** Starts a copy whose source falls silent, and sends it `signal` once it waits. */
async function interrupted(home: CliHome, source: Registry, to: string, signal: NodeJS.Signals) {
  source.behave({
    on: (operation) => operation.template === "GET blob",
    nth: 2,
    times: Number.POSITIVE_INFINITY,
    fault: stallResponse(500_000),
  });
  const from = `docker://${source.host}/from:v1`;
  const flags = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const child = spawn(process.execPath, [await builtProgram(), "copy", ...flags, from, to], {
    env: home.env,
  });
  const stalled = () => source.log.of("GET blob").some((entry) => entry.bytesOut >= 500_000);
  while (!stalled()) await new Promise((resolve) => setTimeout(resolve, 20));
  // Let what was sent be read and passed on.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const sent = performance.now();
  child.kill(signal);
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  return { exitCode, tookMs: performance.now() - sent };
}

suite("a copy that is told to stop ends soon, and cleans up, by", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal}, to dir:`, { timeout: 300_000 }, async () => {
      await using source = await startRegistry();
      await using home = await cliHome();
      source.seed("from", "v1", image);
      const to = `dir:${home.folder.in("home", "out")}`;
      const { exitCode, tookMs } = await interrupted(home, source, to, signal);
      assert.equal(exitCode, 130);
      assert.ok(tookMs < soonMs, `${tookMs} ms`);
      assert.deepEqual(await readdir(home.folder.in("home")), [".config"]);
    });

    test(`${signal}, to a registry`, { timeout: 300_000 }, async () => {
      await using source = await startRegistry();
      await using destination = await startRegistry();
      await using home = await cliHome();
      source.seed("from", "v1", image);
      const to = `docker://${destination.host}/to:v1`;
      const { exitCode, tookMs } = await interrupted(home, source, to, signal);
      assert.equal(exitCode, 130);
      assert.ok(tookMs < soonMs, `${tookMs} ms`);
      assert.equal(destination.store.open("to").resolve("v1"), undefined);
      assert.deepEqual([...destination.store.open("to").uploads.keys()], []);
    });
  }
});
