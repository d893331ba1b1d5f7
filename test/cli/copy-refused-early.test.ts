import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";

test("copy reads no signatures of an image that cannot be read", async () => {
  await using home = await cliHome();
  const folder = home.folder.in("image");
  await mkdir(folder);
  const digest = `sha256:${"a".repeat(64)}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: { mediaType: "application/vnd.docker.container.image.v1+json", size: 1, digest },
    layers: [{ mediaType: "application/of-nobody", size: 1, digest }],
  };
  await writeFile(`${folder}/manifest.json`, JSON.stringify(manifest));
  const words = ["copy", `dir:${folder}`, `dir:${home.folder.in("copy")}`];
  const { exitCode, stdout, stderr } = await home.run(words);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: "" });
  assert.match(stderr, /initializing image from source .*: unsupported docker v2s2 media type/);
});

test("copy reads no signatures of an image that is not the one its destination names", async () => {
  await using home = await cliHome();
  await using registry = await startRegistry();
  await writeLayoutFolder(home.folder.in("layout"), makeImage({ seed: 7 }));
  const to = `docker://${registry.host}/made@sha256:${"0".repeat(64)}`;
  const words = ["copy", "--dest-tls-verify=false", `oci:${home.folder.in("layout")}`, to];
  const { exitCode, stdout, stderr } = await home.run(words);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: "" });
  assert.match(stderr, /would not match destination reference/);
});
