import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

// Moments spread over the time that a copy takes: all of them in a soak, a few in everyday runs.
const moments = process.env["AMPHORA_SOAK"] === "1" ? 20 : 4;
const before = makeImage({ seed: 140, type: "oci", layers: 2, layerBytes: 100_000 });
const after = makeImage({ seed: 141, type: "oci", layers: 6, layerBytes: 4_000_000 });

for (const place of ["oci", "dir"] as const) {
  test(`killed at any moment, a copy to ${place}: leaves what can be read`, {
    timeout: 300_000,
  }, async () => {
    await using registry = await startRegistry();
    registry.seed("before", "v1", before);
    registry.seed("after", "v1", after);
    const took = await duration(registry.host, place);
    for (let moment = 1; moment <= moments; moment++) {
      await using home = await cliHome();
      const to = target(home, place);
      await copied(home, registry.host, "before", to);
      const args = [
        "copy",
        "-q",
        "--src-tls-verify=false",
        `docker://${registry.host}/after:v1`,
        to,
      ];
      await home.run(args, {
        timeoutMs: Math.ceil((took * moment) / (moments + 1)),
      });
      await assertReadable(home, to, registry.host);
      await copied(home, registry.host, "after", to);
      await using engine = new Engine();
      const back = await engine.copy(to, `docker://${registry.host}/back${moment}:v1`);
      assert.equal(back, after.digest);
      assert.deepEqual(await strangers(home.folder.in("out")), []);
    }
  });
}

function target(home: CliHome, place: "oci" | "dir"): string {
  return place === "oci" ? `oci:${home.folder.in("out")}:v1` : `dir:${home.folder.in("out")}`;
}

async function copied(home: CliHome, host: string, name: string, to: string) {
  const args = ["copy", "-q", "--src-tls-verify=false", `docker://${host}/${name}:v1`, to];
  const { exitCode, stderr } = await home.run(args);
  assert.equal(exitCode, 0, stderr);
}

/** Milliseconds that the copy takes when nobody kills it. */
async function duration(host: string, place: "oci" | "dir"): Promise<number> {
  await using home = await cliHome();
  await copied(home, host, "before", target(home, place));
  const start = performance.now();
  await copied(home, host, "after", target(home, place));
  return performance.now() - start;
}

/** The old image or the new one is there, whole. */
async function assertReadable(home: CliHome, to: string, host: string): Promise<void> {
  await using engine = new Engine();
  const digest = await engine.copy(to, `docker://${host}/read:v1`);
  assert.ok([before.digest, after.digest].includes(digest));
  for (const path of await blobPaths(home.folder.in("out"))) {
    const hex = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    assert.ok(path.endsWith(hex), `${path} is ${hex}`);
  }
}

/** Files that are named by a digest. */
async function blobPaths(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /(^|\/)[0-9a-f]{64}$/.test(name)).map((name) => join(folder, name));
}

/** Files beside or in the place that belong to no image: what a killed run left has to go with the next. */
async function strangers(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const known =
    /^(blobs(\/sha256(\/[0-9a-f]{64})?)?|[0-9a-f]{64}|index\.json|oci-layout|manifest\.json|version)$/;
  const beside = (await readdir(join(folder, ".."))).filter(
    (name) => !["home", "run", "tmp", "out"].includes(name),
  );
  return [...names.filter((name) => !known.test(name)), ...beside];
}
