import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createDockerArchiveTransport } from "../../../src/transport/docker-archive/transport.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage } from "../../support/images.ts";
import { mirrorRule } from "../../support/mirror.ts";
import { startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { find, tagRules } from "./support.ts";

const to = "docker://to.example/hub/{{.Repository}}{{.Reference}}";

/** What a place gives, without what all have in common. */
async function placed(
  text: string,
  tags: Parameters<typeof tagRules>[0] = {},
  engine = new Engine(),
) {
  await using _closed = engine;
  const { images, failures } = await find(engine, [mirrorRule(text, to, { tags: tagRules(tags) })]);
  return [...images.map((line) => line.replace("docker://to.example/hub/", "")), ...failures];
}

/** A layout with an image under each of these names. */
async function layout(folder: string, names: readonly string[]): Promise<string> {
  await using registry = await startRegistry();
  await using engine = new Engine();
  const path = join(folder, "base");
  for (const [index, name] of names.entries()) {
    registry.seed("app", `t${index}`, makeImage({ seed: index + 1, type: "oci" }));
    await engine.copy(`docker://${registry.host}/app:t${index}`, `oci:${path}:${name}`);
  }
  return path;
}

test("a layout gives each of its images: a word is a tag, anything else a whole name", async () => {
  await using folder = await tempFolder();
  const path = await layout(folder.path, ["3.20", "team/app:1.0", "quay.io/team/app:2"]);
  assert.deepEqual(await placed(`oci:${path}`), [
    `${path}:3.20 -> base:3.20`,
    `${path}:team/app:1.0 -> team/app:1.0`,
    `${path}:quay.io/team/app:2 -> team/app:2`,
  ]);
  assert.deepEqual(await placed(`oci:${path}:3.20`), [`${path}:3.20 -> base:3.20`]);
  assert.deepEqual(
    await placed(`oci:${path}`, {
      include: [{ kind: "regex", pattern: "^[0-9.]+$" }],
      semver: ">= 2",
    }),
    [`${path}:3.20 -> base:3.20`, `${path}:quay.io/team/app:2 -> team/app:2`],
  );
});

test("tags of a list that a layout has not are told of, and the others come", async () => {
  await using folder = await tempFolder();
  const path = await layout(folder.path, ["3.20", "team/app:1.0"]);
  assert.deepEqual(await placed(`oci:${path}`, { list: ["3.20", "1.0"] }), [
    `${path}:3.20 -> base:3.20`,
    `${path}:team/app:1.0 -> team/app:1.0`,
  ]);
  assert.deepEqual(await placed(`oci:${path}`, { list: ["1.0", "1.1"] }), [
    `${path}:team/app:1.0 -> team/app:1.0`,
    `transport.image-not-found oci:${path}`,
  ]);
});

test("images without a name are told by their position, and called after the layout", async () => {
  await using folder = await tempFolder();
  const path = await layout(folder.path, ["x"]);
  const index = join(path, "index.json");
  const { readFile } = await import("node:fs/promises");
  const written = JSON.parse(await readFile(index, "utf8"));
  delete written.manifests[0].annotations;
  await writeFile(index, JSON.stringify(written));
  assert.deepEqual(await placed(`oci:${path}`), [`${path}:@0 -> base:latest`]);
});

test("a folder gives the images of all folders below it, and none inside those", async () => {
  await using folder = await tempFolder();
  for (const path of ["b:1/inner", "a/app:2", "a/empty", "a/other"])
    await mkdir(join(folder.path, path), { recursive: true });
  for (const path of ["b:1", "b:1/inner", "a/app:2", "a/other"])
    await writeFile(join(folder.path, path, "manifest.json"), "{}");
  assert.deepEqual(await placed(`dir:${folder.path}`), [
    `${folder.path}/a/app:2 -> a/app:2`,
    `${folder.path}/a/other -> a/other:latest`,
    `${folder.path}/b:1 -> b:1`,
  ]);
  assert.deepEqual(await placed(`dir:${folder.path}/b:1`), [`${folder.path}/b:1 -> b:1`]);
});

test("an archive of docker's gives each of its names", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "1", makeImage());
  await using folder = await tempFolder();
  const path = join(folder.path, "images.tar");
  const archives = createDockerArchiveTransport();
  {
    await using engine = new Engine({ moreTransports: [archives] });
    await engine.copy(`docker://${registry.host}/app:1`, `docker-archive:${path}:team/app:1.0`);
  }
  const found = await placed(
    `docker-archive:${path}`,
    {},
    new Engine({ moreTransports: [archives] }),
  );
  assert.equal(found.length, 1);
  assert.match(found[0] ?? "", /team\/app:1\.0$/);
});

test("a place that is not there, cannot be read or holds nothing is told of", async () => {
  await using folder = await tempFolder();
  assert.deepEqual(await placed(`dir:${folder.path}`), [`sync.no-listing dir:${folder.path}`]);
  assert.deepEqual(await placed(`dir:${folder.path}/none`), [
    `sync.no-listing dir:${folder.path}/none`,
  ]);
  const [failure] = await placed(`oci:${folder.path}/none`);
  assert.match(failure ?? "", /^\w+\.[a-z-]+ oci:/);
});
