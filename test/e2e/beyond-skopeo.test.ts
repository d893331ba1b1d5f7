import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";
import { tempFolder } from "../support/temp.ts";

const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];

test("copy --platform brings the images of those platforms in a list of those", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  registry.seed("made", "v1", makeMultiArch({ seed: 5 }));
  const from = `docker://${registry.host}/made:v1`;
  const raw = async (image: string) => {
    const { stdout } = await home.run(["inspect", "--tls-verify=false", "--raw", image]);
    return JSON.parse(stdout);
  };
  const all = (await raw(from)).manifests;
  const [first, second] = all;
  const name = ({ platform }: typeof first) => `${platform.os}/${platform.architecture}`;
  const to = `docker://${registry.host}/subset:v1`;
  const { exitCode, stderr } = await home.run([
    ...["copy", "-q", ...insecure, "--platform", name(first), "--platform", name(second)],
    from,
    to,
  ]);
  assert.equal(exitCode, 0, stderr);
  const subset = (await raw(to)).manifests;
  assert.deepEqual(
    subset.map(({ digest }: typeof first) => digest),
    all.slice(0, 2).map(({ digest }: typeof first) => digest),
  );
  const none = await home.run(["copy", "-q", ...insecure, "--platform", "plan9/mips", from, to]);
  assert.equal(none.exitCode, 1);
});

test("copy --dry-run says what would be copied and copies nothing", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  const image = makeImage({ seed: 6 });
  registry.seed("made", "v1", image);
  const words = [
    ...["copy", ...insecure, "--dry-run", "--progress", "json"],
    `docker://${registry.host}/made:v1`,
    `docker://${registry.host}/planned:v1`,
  ];
  const { exitCode, stdout } = await home.run(words);
  assert.equal(exitCode, 0);
  const plan = JSON.parse(stdout);
  assert.equal(plan.images[0].digest, image.digest);
  assert.equal(plan.nothingToDo, false);
  const methods = new Set(registry.log.entries.map(({ method }) => method));
  assert.deepEqual([...methods].toSorted(), ["GET", "HEAD"]);
});

test("copy --dry-run makes no folder and no file, whatever it would copy to", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  await using folder = await tempFolder();
  registry.seed("made", "image", makeImage({ seed: 6 }));
  registry.seed("made", "list", makeMultiArch({ seed: 6 }));
  for (const place of ["oci:%:t", "dir:%", "oci-archive:%:t", "docker-archive:%:made:t"]) {
    for (const words of [["made:image"], ["--all", "made:list"]]) {
      const [image = "", ...all] = words.toReversed();
      if (all.length > 0 && place.startsWith("docker-archive")) continue; // takes no list
      const to = place.replace("%", folder.in("new"));
      const ends = [`docker://${registry.host}/${image}`, to];
      const run = await home.run(["copy", ...insecure, "--dry-run", ...all, ...ends]);
      assert.equal(run.exitCode, 0, run.stderr);
      assert.deepEqual(await readdir(folder.path), [], `${image} to ${to}`);
    }
  }
});

test("delete --tag-only leaves the image and its other tags", async () => {
  await using registry = await startRegistry({ features: { deleteTag: true } });
  await using home = await cliHome();
  const image = makeImage({ seed: 7 });
  registry.seed("made", "v1", image);
  registry.seed("made", "v2", image);
  const { exitCode, stderr } = await home.run([
    ...["delete", "--tls-verify=false", "--tag-only"],
    `docker://${registry.host}/made:v1`,
  ]);
  assert.equal(exitCode, 0, stderr);
  const { stdout } = await home.run([
    ...["list-tags", "--tls-verify=false"],
    `docker://${registry.host}/made`,
  ]);
  assert.deepEqual(JSON.parse(stdout).Tags, ["v2"]);
});

test("name:tag@digest is fetched by digest, verified, and named by tag", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  const image = makeImage({ seed: 8 });
  registry.seed("made", "v1", image);
  registry.seed("made", "v2", makeImage({ seed: 9 }));
  const copy = (from: string, to: string) => home.run(["copy", "-q", ...insecure, from, to]);
  const to = `docker://${registry.host}/other:kept@${image.digest}`;
  const done = await copy(`docker://${registry.host}/made:v2@${image.digest}`, to);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.equal(registry.store.repositories.get("other")?.resolve("kept"), image.digest);
  const other = await copy(`docker://${registry.host}/made:v2`, to);
  assert.equal(other.exitCode, 1);
  const asSkopeo = await home.run(["copy", "-q", ...insecure, to, "dir:out"], { as: "skopeo" });
  assert.match(asSkopeo.stderr, /both a tag and digest are currently not supported/);
});
