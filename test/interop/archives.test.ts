import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { blobName, layoutMembers, tarWith } from "../support/archives.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged, startPodman } from "../support/podman.ts";
import type { RunResult } from "../support/run.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { skopeo } from "../support/skopeo.ts";

const needed = { skip: skipWithout("skopeo"), timeout: 300_000 };
const withPodman = { skip: skipWithout("podman") || skipUnprivileged(), timeout: 300_000 };

function ok({ exitCode, stderr, stdout }: RunResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** An archive of this image, of which neither tool has seen anything yet. */
async function seed(home: CliHome, image: TestImage): Promise<string> {
  const { index, marker, blobs } = layoutMembers({ v1: image });
  const manifests = image.manifests.map(({ bytes }) => ({
    name: blobName(digestOf(bytes)),
    bytes,
  }));
  const path = home.folder.in("seed.tar");
  await writeFile(path, tarWith(...blobs, ...manifests, index, marker));
  return path;
}

const images: Readonly<Record<string, TestImage>> = {
  "an image": makeImage({ seed: 151, type: "oci", layerBytes: 20_000 }),
  "an index": makeMultiArch({ seed: 152, type: "oci", layerBytes: 20_000 }),
};

for (const [name, image] of Object.entries(images)) {
  test(`${name} goes from archive to archive, from tool to tool`, needed, async () => {
    await using home = await cliHome();
    let from = `${await seed(home, image)}:v1`;
    for (const [at, tool] of ["ours", "theirs", "ours", "theirs"].entries()) {
      const to = `${home.folder.in(`${at}.tar`)}:v${at}`;
      const args = ["copy", "--all", `oci-archive:${from}`, `oci-archive:${to}`];
      ok(tool === "ours" ? await home.run(args) : await skopeo(args));
      from = to;
    }
    const raw = ["inspect", "--raw", `oci-archive:${from}`];
    for (const stdout of [ok(await home.run(raw)), ok(await skopeo(raw))]) {
      assert.equal(stdout, Buffer.from(image.bytes).toString());
    }
    assert.deepEqual(await home.leftInTemp(), []);
  });
}

test(
  "skopeo reads what we make of a tar, and of the same tar makes the same layers",
  needed,
  async () => {
    await using home = await cliHome();
    const tar = home.folder.in("layer.tar");
    await writeFile(tar, tarWith({ name: "file", bytes: Buffer.from("content") }));
    const [ours, theirs] = [home.folder.in("ours.tar"), home.folder.in("theirs.tar")];
    ok(await home.run(["copy", `tarball:${tar}`, `oci-archive:${ours}`]));
    ok(await skopeo(["copy", `tarball:${tar}`, `oci-archive:${theirs}`]));
    const config = async (path: string, tool: "ours" | "theirs") => {
      const args = ["inspect", "--raw", "--config", `oci-archive:${path}`];
      return JSON.parse(ok(tool === "ours" ? await home.run(args) : await skopeo(args)));
    };
    assert.deepEqual(await config(ours, "theirs"), await config(theirs, "ours"));
  },
);

test("podman loads our archive, and we read what it saves", withPodman, async () => {
  await using home = await cliHome();
  await using podman = await startPodman();
  const image = makeImage({ seed: 153, type: "oci", layerBytes: 20_000 });
  const archive = home.folder.in("ours.tar");
  const name = "example.test/app:v1";
  const from = `oci-archive:${await seed(home, image)}`;
  ok(await home.run(["copy", from, `oci-archive:${archive}:${name}`]));
  ok(await podman.run(["load", "--quiet", "-i", archive]));
  const saved = home.folder.in("saved.tar");
  ok(await podman.run(["save", "--quiet", "--format", "oci-archive", "-o", saved, name]));
  await mkdir(home.folder.in("out"));
  ok(await home.run(["copy", `oci-archive:${saved}:${name}`, `dir:${home.folder.in("out")}`]));
  const manifest = JSON.parse(await readFile(home.folder.in("out", "manifest.json"), "utf8"));
  assert.equal(manifest.config.digest, image.config?.digest);
});
