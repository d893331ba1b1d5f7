import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { cacheOf, runCachedScript } from "../../scripts/cached-script.ts";
import { buildProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

const built = await buildProgram();
after(() => built[Symbol.asyncDispose]());
const program = join(dirname(built.main), "program.cjs");

test("the built program starts by a code cache that V8 takes", () => {
  const script = runCachedScript(program, createRequire(program));
  assert.equal(script.rejected, false);
  assert.equal(typeof script.exports["runProgram"], "function");
});

test("the built program copies, and tells failures it knows from bugs", async () => {
  await using home = await cliHome();
  await using registry = await startRegistry();
  registry.seed("made", "v1", makeImage({ seed: 5 }));
  const copy = (tag: string) =>
    home.run(
      ["copy", "--src-tls-verify=false", `docker://${registry.host}/made:${tag}`, "oci:out:v1"],
      { main: built.main, cwd: home.folder.path },
    );
  const good = await copy("v1");
  assert.equal(good.exitCode, 0, good.stderr);
  const missing = await copy("none");
  assert.equal(missing.exitCode, 2, missing.stderr);
  assert.doesNotMatch(missing.stderr, /bug/);
});

test("the built program does without a code cache that is spoiled, or not there", async () => {
  await using home = await cliHome();
  const cache = cacheOf(program);
  const whole = await readFile(cache);
  const run = async () => {
    const { exitCode, stdout } = await home.run(["copy", "--help"], { main: built.main });
    assert.equal(exitCode, 0);
    assert.match(stdout, /amphora copy/);
  };
  for (const spoiled of [whole.subarray(0, 5000), Buffer.from("no cache"), Buffer.alloc(0)]) {
    await writeFile(cache, spoiled);
    await run();
  }
  await rm(cache);
  await run();
});
