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
const layers = new Set<string>(image.layers.map(({ digest }) => digest));

/** Well before the silence of the source would end it, which takes a minute. */
const soonMs = 30_000;

interface Scene {
  readonly home: CliHome;
  readonly source: Registry;
  readonly to: string;
  /** Whether the copy has begun to write, and only waits for its source. */
  isWaiting(): Promise<boolean> | boolean;
}

/** Starts a copy whose source falls silent in each layer, and sends it `signal` once that is all it waits for. */
async function interrupted(
  { home, source, to, isWaiting }: Scene,
  signal: NodeJS.Signals,
): Promise<{ exitCode: unknown; tookMs: number }> {
  source.behave({
    on: ({ template, reference }) => template === "GET blob" && layers.has(reference),
    times: Number.POSITIVE_INFINITY,
    fault: stallResponse(500_000),
  });
  const from = `docker://${source.host}/from:v1`;
  const flags = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const child = spawn(process.execPath, [await builtProgram(), "copy", ...flags, from, to], {
    env: home.env,
  });
  while (!(await isWaiting())) await new Promise((resolve) => setTimeout(resolve, 20));
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
      const folder = home.folder.in("home");
      const isWaiting = async () => {
        const halves = source.log.of("GET blob").filter(({ bytesOut }) => bytesOut >= 500_000);
        return halves.length === layers.size && (await readdir(folder)).length > 1;
      };
      const { exitCode, tookMs } = await interrupted({ home, source, to, isWaiting }, signal);
      assert.equal(exitCode, 130);
      assert.ok(tookMs < soonMs, `${tookMs} ms`);
      assert.deepEqual(await readdir(folder), [".config"]);
    });

    test(`${signal}, to a registry`, { timeout: 300_000 }, async () => {
      await using source = await startRegistry();
      await using destination = await startRegistry();
      await using home = await cliHome();
      source.seed("from", "v1", image);
      const to = `docker://${destination.host}/to:v1`;
      const { blobs, uploads } = destination.store.open("to");
      // An upload that was asked for, and not yet answered, would stay: nobody knows its place.
      const isWaiting = () =>
        blobs.has(image.config?.digest ?? "") &&
        uploads.size === layers.size &&
        [...uploads.values()].every(({ size }) => size > 0);
      const { exitCode, tookMs } = await interrupted({ home, source, to, isWaiting }, signal);
      assert.equal(exitCode, 130);
      assert.ok(tookMs < soonMs, `${tookMs} ms`);
      assert.equal(destination.store.open("to").resolve("v1"), undefined);
      assert.deepEqual([...uploads.keys()], []);
    });
  }
});
