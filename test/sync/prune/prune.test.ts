import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { artifactAbout } from "../../support/artifacts.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { Engine } from "../../support/engine.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { emptyReply } from "../../support/registry/reply.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { bringCompanions, docker, everything } from "../companions/support.ts";
import { prune } from "./support.ts";

const one = makeImage({ type: "oci", seed: 1 });
const two = makeImage({ type: "oci", seed: 2 });
const index = makeMultiArch({ type: "oci", seed: 3 });

const tagsOf = (registry: Registry) =>
  [...(registry.store.repositories.get("app")?.tags.keys() ?? [])].sort();
const stemOf = (digest: string) => digest.replace(":", "-");

test("prune() removes the tags that were not given, and leaves images and their other tags", async () => {
  await using registry = await startRegistry();
  for (const tag of ["v1", "v2", "old"]) registry.seed("app", tag, one);
  const told = await prune(docker(registry, "app:v1"), ["v1", "v2", "v3"]);
  assert.deepEqual(told, ["pruned old"]);
  assert.deepEqual(tagsOf(registry), ["v1", "v2"]);
  assert.deepEqual(registry.log.counts(), { "DELETE manifest": 1, "GET tags": 1 });
});

test("prune() keeps what belongs to images that stay, and removes what belonged to those that went", async () => {
  await using registry = await startRegistry();
  const [instance] = index.manifests;
  assert.ok(instance);
  for (const [tag, image] of [
    ["v1", one],
    ["multi", index],
    ["old", two],
    ["older", one],
    [`${stemOf(one.digest)}.sig`, two],
    [`${stemOf(two.digest)}.sig`, one],
    [stemOf(two.digest), one],
    [`${stemOf(digestOf(instance.bytes))}.att`, one],
  ] as const) {
    registry.seed("app", tag, image);
  }
  await prune(docker(registry, "app:v1"), ["v1", "multi"]);
  assert.deepEqual(
    tagsOf(registry),
    ["v1", "multi", `${stemOf(one.digest)}.sig`, `${stemOf(digestOf(instance.bytes))}.att`].sort(),
  );
});

test("prune() deletes by digest where a registry knows nothing else, and never what stays", async () => {
  await using registry = await startRegistry({ features: { deleteTag: false } });
  const [instance] = index.manifests;
  assert.ok(instance);
  registry.seed("app", "kept", one);
  registry.seed("app", "same", one);
  registry.seed("app", "multi", index);
  registry.seed("app", "inside", { blobs: index.blobs, manifests: [instance] });
  registry.seed("app", "old", two);
  registry.seed("app", "older", two);
  const told = await prune(docker(registry, "app:kept"), ["kept", "multi"]);
  assert.deepEqual(told, ["left inside", "left same", "pruned old", "pruned older"]);
  assert.deepEqual(tagsOf(registry), ["inside", "kept", "multi", "same"]);
});

test("prune() keeps to its threshold, its patterns and a dry run", async () => {
  await using registry = await startRegistry();
  for (const tag of ["v1", "v2", "a1", "a2", "b1"]) registry.seed("app", tag, one);
  const place = docker(registry, "app:v1");
  const given = ["v1", "v2"];
  assert.deepEqual(await prune(place, given, { threshold: 0.5 }), ["refused 3 of 5"]);
  assert.deepEqual(await prune(place, given, { threshold: 0.6, dryRun: true }), [
    "would prune a1",
    "would prune a2",
    "would prune b1",
  ]);
  assert.deepEqual(registry.log.of("DELETE manifest"), []);
  const only = [{ kind: "glob", pattern: "a*" }] as const;
  assert.deepEqual(await prune(place, given, { threshold: 0.1, alwaysUpTo: 2, only }), [
    "pruned a1",
    "pruned a2",
  ]);
  assert.deepEqual(tagsOf(registry), ["b1", "v1", "v2"]);
});

test("prune() removes nothing where the list of tags breaks off", async () => {
  await using registry = await startRegistry();
  for (let n = 0; n < 25; n++) registry.seed("app", `t${n}`, one);
  registry.features = { ...registry.features, pageLimit: 10 };
  registry.behave({ on: "GET tags", nth: 2, times: 99, fault: { arrive: () => emptyReply(500) } });
  await assert.rejects(prune(docker(registry, "app:t1"), ["t1"]), { code: "registry.unavailable" });
  assert.equal(tagsOf(registry).length, 25);
});

test("prune() goes on where tags cannot be removed, and tells of them", async () => {
  await using registry = await startRegistry();
  for (const tag of ["v1", "a1", "a2", "a3"]) registry.seed("app", tag, one);
  registry.behave({
    on: ({ method, reference }) => method === "DELETE" && /^a[13]$/.test(reference ?? ""),
    times: 99,
    fault: { arrive: () => emptyReply(403) },
  });
  await assert.rejects(prune(docker(registry, "app:v1"), ["v1"]), {
    code: "registry.denied",
    message: /a[13].* and so with 1 more$/s,
  });
  assert.deepEqual(tagsOf(registry), ["a1", "a3", "v1"]);
});

test("prune() of an OCI layout takes referrers along, and leaves what stays whole", async () => {
  await using folder = await tempFolder();
  await using engine = new Engine();
  await using source = await startRegistry();
  const layout = (name: string) => `oci:${folder.in("layout")}:${name}`;
  for (const [tag, image, seed] of [
    ["v1", one, 1],
    ["v2", two, 2],
  ] as const) {
    source.seed("app", tag, image);
    source.seed("app", undefined, artifactAbout(image.digest, { seed }));
    await engine.copy(docker(source, `app:${tag}`), layout(tag));
    await bringCompanions(docker(source, `app:${tag}`), layout(tag), image.digest, everything);
  }
  const told = await prune(layout("v1"), ["v1"]);
  assert.deepEqual(told, ["pruned one without a name", "pruned v2"]);
  await using destination = await startRegistry();
  await engine.copy(layout("v1"), docker(destination, "app:v1"));
  const back = await bringCompanions(
    layout("v1"),
    docker(destination, "app:v1"),
    one.digest,
    everything,
  );
  assert.equal(back.lines.length, 1);
  await assert.rejects(engine.copy(layout("v2"), docker(destination, "app:v2")));
});

test("prune() removes folders of images beside one another, and no folder with more in it", async () => {
  await using folder = await tempFolder();
  for (const name of ["app:v1", "app:old", "app:mixed", "apple:old"]) {
    await writeImageFolder(folder.in(name), one);
  }
  await writeFile(folder.in("app:mixed", "letter.txt"), "dear all");
  await mkdir(folder.in("app:none"));
  await assert.rejects(prune(`dir:${folder.in("app:v1")}`, ["v1"]), {
    code: "transport.unsupported",
  });
  const left = (await readdir(folder.path)).sort();
  assert.deepEqual(left, ["app:mixed", "app:none", "app:v1", "apple:old"]);
  assert.ok((await readdir(folder.in("app:mixed"))).includes("manifest.json"));
});

test("prune() gets along with docker-registry", {
  skip: skipWithout("docker-registry"),
}, async () => {
  await using registry = await startDockerRegistry();
  await using source = await startRegistry();
  await using engine = new Engine();
  for (const [tag, image] of [
    ["kept", one],
    ["same", one],
    ["old", two],
  ] as const) {
    source.seed("app", tag, image);
    await engine.copy(docker(source, `app:${tag}`), docker(registry, `app:${tag}`));
  }
  await prune(docker(registry, "app:kept"), ["kept"]);
  const { transport, reference } = await engine.end(docker(registry, "app:kept"), "source");
  const { signal } = new AbortController();
  const left = await transport.listTags?.(reference, { signal });
  assert.ok(left?.includes("kept") && !left.includes("old"));
  await engine.copy(docker(registry, "app:kept"), docker(source, "app:again"));
});
