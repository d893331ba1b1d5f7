import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { ExistingRule } from "../../src/sync/mirror.ts";
import { artifactAbout } from "../support/artifacts.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";
import { into, mirror, tag, type Wish } from "./one-rule.ts";

const one = makeImage({ seed: 1 });
const two = makeImage({ seed: 2 });
const ifAbsent: ExistingRule = { kind: "if-absent" };
const immutable: ExistingRule = {
  kind: "immutable",
  tags: [{ kind: "glob", pattern: "v*" }],
};

async function pair(there: Readonly<Record<string, TestImage>>) {
  const source = await startRegistry();
  const destination = await startRegistry();
  source.seed("app", "v1", one);
  source.seed("app", "main", one);
  for (const [name, image] of Object.entries(there)) destination.seed("app", name, image);
  return { source, destination };
}

test("a name that is taken is left under if-absent, for one HEAD", async () => {
  const { source, destination } = await pair({ v1: two });
  await using _ = source;
  await using __ = destination;
  const { outcomes } = await mirror(source, into(destination), { existing: ifAbsent });
  assert.deepEqual(outcomes["v1"], { type: "left", why: "if-absent" });
  assert.equal(outcomes["main"]?.type, "copied");
  assert.equal(tag(destination, "v1"), two.digest);
  const asked = destination.log.entries.filter(({ path }) => path.endsWith("manifests/v1"));
  assert.deepEqual(
    asked.map(({ method }) => method),
    ["HEAD"],
  );
});

test("where HEAD tells nothing, if-absent reads before it says that a name is free", async () => {
  const { source, destination } = await pair({ v1: two });
  await using _ = source;
  await using __ = destination;
  destination.features = { ...destination.features, headStatus: 405 };
  const { outcomes } = await mirror(source, into(destination), { existing: ifAbsent });
  assert.deepEqual(outcomes["v1"], { type: "left", why: "if-absent" });
  assert.equal(tag(destination, "v1"), two.digest);
  assert.equal(tag(destination, "main"), one.digest);
});

for (const conditions of [true, false]) {
  test(`who is faster keeps the name, and it is told, ${conditions ? "with" : "without"} conditions`, async () => {
    const { source, destination } = await pair({});
    await using _ = source;
    await using __ = destination;
    source.store.repositories.get("app")?.tags.delete("main"); // its uploads would come at any time
    destination.features = { ...destination.features, conditions };
    destination.behave({
      on: conditions
        ? ({ method, reference }) => method === "PUT" && reference === "v1"
        : ({ method, kind }) => method === "POST" && kind === "uploads",
      fault: {
        arrive: () => {
          destination.seed("app", "v1", two);
          return undefined;
        },
      },
    });
    const { outcomes, summary } = await mirror(source, into(destination), { existing: ifAbsent });
    assert.deepEqual(outcomes["v1"], { type: "left", why: "if-absent", raced: true });
    assert.equal(tag(destination, "v1"), two.digest);
    assert.equal(summary.failed, 0);
  });
}

test("an immutable tag that differs is an error, and stays; what is the same or free is no matter", async () => {
  const { source, destination } = await pair({ v1: two, main: two });
  await using _ = source;
  await using __ = destination;
  source.seed("app", "v2", one);
  source.seed("app", "v3", two);
  destination.seed("app", "v2", one);
  const { outcomes, summary } = await mirror(source, into(destination), { existing: immutable });
  const types = Object.entries(outcomes).map(([name, { type }]) => `${name} ${type}`);
  assert.deepEqual(types.sort(), ["main copied", "v1 failed", "v2 unchanged", "v3 copied"]);
  assert.equal(outcomes["v1"]?.type === "failed" && outcomes["v1"].code, "sync.immutable");
  assert.equal(tag(destination, "v1"), two.digest);
  assert.equal(summary.failed, 1);
});

test("one image of a list is compared with an immutable tag when it is known", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", makeMultiArch({ seed: 1 }));
  await mirror(source, into(destination), { existing: immutable });
  const before = tag(destination, "v1");
  const again = await mirror(source, into(destination), { existing: immutable });
  assert.equal(again.outcomes["v1"]?.type, "unchanged");
  source.seed("app", "v1", makeMultiArch({ seed: 2 }));
  const other = await mirror(source, into(destination), { existing: immutable });
  assert.equal(other.outcomes["v1"]?.type, "failed");
  assert.equal(tag(destination, "v1"), before);
});

test("immutable tags stay in layouts, folders and stores too", async () => {
  await using source = await startRegistry();
  await using folder = await tempFolder();
  const store = `vfs@${folder.in("root")}+${folder.in("run")}`;
  for (const template of [
    `oci:${folder.in("layout")}:{{.Tag}}`,
    `dir:${folder.in("app")}:{{.Tag}}`,
    ...(process.getuid?.() === 0 ? [`containers-storage:[${store}]localhost/app:{{.Tag}}`] : []),
  ]) {
    source.seed("app", "v1", one);
    await mirror(source, template, { existing: immutable });
    const same = await mirror(source, template, { existing: immutable });
    assert.notEqual(same.outcomes["v1"]?.type, "failed");
    source.seed("app", "v1", two);
    const { outcomes } = await mirror(source, template, { existing: immutable });
    assert.equal(outcomes["v1"]?.type === "failed" && outcomes["v1"].code, "sync.immutable");
  }
});

test("a folder whose blob was damaged is copied anew, and called that", async () => {
  await using folder = await tempFolder();
  await using source = await startRegistry();
  source.seed("app", "v1", one);
  source.seed("app", "main", two);
  const path = folder.in("app");
  const typesOf = async () => {
    const { outcomes } = await mirror(source, `dir:${path}:{{.Tag}}`);
    return [outcomes["v1"]?.type, outcomes["main"]?.type];
  };
  assert.deepEqual(await typesOf(), ["copied", "copied"]);
  const [layer] = one.layers;
  const file = `${path}:v1/${layer?.digest.replace("sha256:", "")}`;
  const whole = await readFile(file);
  await writeFile(file, whole.with(0, (whole[0] ?? 0) ^ 1));
  assert.deepEqual(await typesOf(), ["copied", "unchanged"]);
  assert.deepEqual(await readFile(file), whole);
  assert.deepEqual(await typesOf(), ["unchanged", "unchanged"]);
});

test("names in a layout are left under if-absent", async () => {
  await using folder = await tempFolder();
  await using source = await startRegistry();
  source.seed("app", "v1", one);
  const template = `oci:${folder.in("layout")}:{{.Tag}}`;
  const first = await mirror(source, template, { existing: ifAbsent });
  assert.equal(first.outcomes["v1"]?.type, "copied");
  source.seed("app", "v1", two);
  const second = await mirror(source, template, { existing: ifAbsent });
  assert.deepEqual(second.outcomes["v1"], { type: "left", why: "if-absent" });
});

test("a mirror brings images with companions, and prunes, step by step", async () => {
  await using source = await startRegistry({ features: { referrers: false } });
  await using destination = await startRegistry();
  const image = makeImage({ type: "oci" });
  const stem = image.digest.replace(":", "-");
  source.seed("app", "v1", image);
  source.seed("app", `${stem}.sbom`, artifactAbout(image.digest, { seed: 2 }));
  destination.seed("app", "old", two);
  const wish: Wish = {
    companions: { referrers: "all", digestTags: true },
    prune: { dryRun: false, only: [], threshold: 1, alwaysUpTo: 0 },
    all: true,
  };
  const dry = await mirror(source, into(destination), { ...wish, dryRun: true });
  assert.deepEqual([dry.summary.companions, dry.summary.pruned], [1, 1]);
  assert.ok(destination.log.entries.every(({ method }) => method === "GET" || method === "HEAD"));
  const { summary } = await mirror(source, into(destination), wish);
  const { images, copied, companions, pruned, failed, failedRules } = summary;
  assert.deepEqual(
    { images, copied, companions, pruned, failed, failedRules },
    { images: 1, copied: 1, companions: 1, pruned: 1, failed: 0, failedRules: 0 },
  );
  const tags = [...(destination.store.repositories.get("app")?.tags.keys() ?? [])];
  assert.deepEqual(tags.sort(), [`${stem}.sbom`, "v1"]);
  const again = await mirror(source, into(destination), wish);
  assert.equal(again.summary.unchanged, 1);
  assert.equal(again.summary.companions, 0);
});

test("a rule that wants companions does not begin where there is no room for them", async () => {
  await using folder = await tempFolder();
  await using source = await startRegistry();
  source.seed("app", "v1", one);
  const template = `dir:${folder.in("app")}:{{.Tag}}`;
  const companions = { referrers: "all", digestTags: false } as const;
  const { outcomes } = await mirror(source, template, { companions });
  assert.equal(outcomes["v1"]?.type === "failed" && outcomes["v1"].code, "copy.unsupported");
  assert.deepEqual(source.log.of("GET blob"), []);
  const told = await mirror(source, template, { companions: { ...companions, homeless: "tell" } });
  assert.equal(told.outcomes["v1"]?.type, "copied");
});
