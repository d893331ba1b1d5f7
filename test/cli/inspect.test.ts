import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeIndex, makeMultiArch } from "../support/images.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { cliHome } from "../support/run-cli.ts";

test("inspect finds the image for a platform in an index within an index", async () => {
  await using home = await cliHome();
  const inner = makeMultiArch({ seed: 3, type: "oci" });
  const outer = makeIndex([inner], { type: "oci" });
  await writeLayoutFolder(home.folder.in("nested"), outer);
  const image = `oci:${home.folder.in("nested")}`;
  for (const architecture of ["arm64", "s390x"]) {
    const platform = ["--override-os", "linux", "--override-arch", architecture];
    const { stdout, stderr } = await home.run([...platform, "inspect", image]);
    assert.equal(stderr, "");
    const { Architecture, Digest } = JSON.parse(stdout);
    assert.deepEqual(
      { Architecture, Digest },
      { Architecture: architecture, Digest: outer.digest },
    );
  }
  const none = await home.run(["--override-arch", "mips", "inspect", "--config", image]);
  assert.equal(none.exitCode, 1);
  assert.match(none.stderr, /no image found in image index for architecture/);
});

const config = {
  mediaType: "application/vnd.oci.image.config.v1+json",
  size: 1,
  digest: "sha256:00",
};

/** What a program or a person may find in place of a manifest. */
const strange: readonly (readonly [what: string, text: string])[] = [
  ["of another version", '{"schemaVersion":99999,"name":"x"}'],
  ["a config", '{"architecture":"amd64","os":"linux"}'],
  ["no JSON", "\u001f\u008b no JSON"],
  ["nothing", ""],
  ["a member twice", '{"schemaVersion":2,"layers":[],"layers":[]}'],
  [
    "an index and an image",
    JSON.stringify({ schemaVersion: 2, config, layers: [], manifests: [] }),
  ],
  ["signatures that are none", '{"schemaVersion":1,"fsLayers":[],"history":[],"signatures":1}'],
];

for (const [what, text] of strange) {
  test(`inspect --raw shows what came for a manifest: ${what}`, async () => {
    await using home = await cliHome();
    const folder = home.folder.in("image");
    await mkdir(folder);
    await writeFile(`${folder}/manifest.json`, text);
    const { exitCode, stdout, stderr } = await home.run(["inspect", "--raw", `dir:${folder}`]);
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: text, stderr: "" });
    assert.equal((await home.run(["inspect", `dir:${folder}`])).exitCode, 1);
  });
}

test("inspect says that an artifact is none of the images, whether its config is there or not", async () => {
  await using home = await cliHome();
  const folder = home.folder.in("artifact");
  await mkdir(folder);
  const empty = { ...config, mediaType: "application/vnd.oci.empty.v1+json" };
  const artifactType = "application/vnd.example";
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { ...empty, size: 2, digest: `sha256:${"4".repeat(64)}` },
    layers: [],
    artifactType,
  };
  await writeFile(`${folder}/manifest.json`, JSON.stringify(manifest));
  for (const flags of [[], ["--config"], ["--format", "{{.Os}}"]]) {
    const { exitCode, stderr } = await home.run(["inspect", ...flags, `dir:${folder}`]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /unsupported image-specific operation on artifact with type/);
  }
});
