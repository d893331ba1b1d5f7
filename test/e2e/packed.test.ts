import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** A project that depends on the packed package and on nothing else. */
async function installPacked(folder: string): Promise<void> {
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  assert.ok(tarball);
  await mkdir(join(folder, "node_modules/amphora"), { recursive: true });
  const unpacked = ["-xzf", join(folder, tarball), "--strip-components=1"];
  await run("tar", unpacked, { cwd: join(folder, "node_modules/amphora") });
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  await cp(join(root, "examples"), join(folder, "examples"), { recursive: true });
}

test("the packed package runs the examples and has types for them", async (t) => {
  await using folder = await tempFolder();
  await using registry = await startRegistry();
  const image = makeImage({ seed: 77 });
  registry.seed("made", "v1", image);
  await installPacked(folder.path);
  const environment = { ...process.env, HOME: folder.path };
  const example = async (name: string, ...words: readonly string[]) => {
    const options = { cwd: folder.path, env: environment };
    return (await run(process.execPath, [`examples/${name}`, ...words], options)).stdout.trim();
  };

  await t.test("examples/references.ts", async () => {
    assert.equal(await example("references.ts", "alpine:3"), "docker.io/library/alpine:3");
  });

  await t.test("examples/copy.ts", async () => {
    await mkdir(join(folder.path, ".config/containers"), { recursive: true });
    const conf = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`;
    await writeFile(join(folder.path, ".config/containers/registries.conf"), conf);
    const digest = await example("copy.ts", `docker://${registry.host}/made:v1`, "dir:out");
    assert.equal(digest, image.digest);
    assert.match(await example("copy.ts", "dir:out", "oci:again:v1"), /^sha256:[0-9a-f]{64}$/);
  });

  await t.test("examples/sign-and-verify.ts", async () => {
    const told = await example("sign-and-verify.ts", `docker://${registry.host}/made:v1`);
    assert.match(told, /^refused before it was signed: A signature was required/m);
    assert.match(told, /^admitted: vendor\.example\/app:v1 at sha256:[0-9a-f]{64}$/m);
  });

  await t.test("its declarations", async () => {
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext"];
    const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
    const files = ["copy", "references", "sign-and-verify"].map((name) => `examples/${name}.ts`);
    await run(join(root, "node_modules/.bin/tsc"), [...options, ...types, ...files], {
      cwd: folder.path,
    });
  });
});
