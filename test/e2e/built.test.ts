import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import { cacheOf, runCachedScript } from "../../scripts/cached-script.ts";
import { buildProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

const built = await buildProgram();
after(() => built[Symbol.asyncDispose]());
const program = join(dirname(built.main), "program.cjs");
const serverProgram = join(dirname(built.main), "server-program.cjs");

for (const file of [program, serverProgram]) {
  test(`the built ${basename(file)} starts by a code cache that V8 takes`, () => {
    const script = runCachedScript(file, createRequire(file));
    assert.equal(script.rejected, false);
    assert.equal(typeof script.exports["runProgram"], "function");
  });
}

test("every command of the built program is there, and the server's alone load the server", async () => {
  await using home = await cliHome();
  const usual = await readFile(program, "utf8");
  assert.ok(usual.length < 0.8 * (await readFile(serverProgram, "utf8")).length);
  const none = home.folder.in("none");
  for (const words of [
    ["serve", "--config", none],
    ["--debug", "lookaside", "--config", none],
    ["worker", "--config", none],
    ["log", "verify", none],
  ]) {
    const { exitCode, stderr } = await home.run(words, { main: built.main });
    assert.equal(exitCode, 1, words.join(" "));
    assert.match(stderr, /open \S+: no such file or directory/, words.join(" "));
  }
  const signer = await home.run(["signer"], { main: built.main });
  assert.match(signer.stderr, /has no section signing/);
  const leftOut = [...usual.matchAll(/(\S+) is in another program/g)].map(([, name]) => name);
  assert.deepEqual(
    new Set(leftOut.map((name) => /(\w+)\.ts$/.exec(name ?? "")?.[1])),
    new Set(["log", "serve", "signer", "worker"]),
  );
});

test("a word that is one of the server's commands does no harm elsewhere", async () => {
  await using home = await cliHome();
  const { exitCode, stderr } = await home.run(["inspect", "dir:serve", "serve"], {
    main: built.main,
  });
  assert.equal(exitCode, 1);
  assert.match(stderr, /Exactly one argument expected/);
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
