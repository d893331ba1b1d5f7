import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { parseBackupNames } from "../../src/sync/backup.ts";
import { TemplateError } from "../../src/sync/naming.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";
import { tempStore } from "../support/temp-store.ts";
import { into, mirror, tag } from "./one-rule.ts";

const one = makeImage({ seed: 1 });
const two = makeImage({ seed: 2 });
const three = makeMultiArch({ seed: 3 });
const backup = "old-{{.Tag}}";

const tagsOf = (registry: Registry) =>
  [...(registry.store.repositories.get("app")?.tags.keys() ?? [])].sort();

test("a tag's image has its backup before the tag is given to another, and nothing is asked again", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", one);
  const first = await mirror(source, into(destination), { backup });
  assert.equal(first.outcomes["v1"]?.type, "copied");
  assert.deepEqual(tagsOf(destination), ["v1"]);
  source.seed("app", "v1", three);
  destination.log.entries.length = 0;
  const dry = await mirror(source, into(destination), { backup, dryRun: true, all: true });
  const planned = dry.outcomes["v1"];
  assert.equal(planned?.type === "would-copy" && planned.backup, "old-v1");
  const second = await mirror(source, into(destination), { backup, all: true });
  assert.deepEqual(second.outcomes["v1"], {
    type: "copied",
    digest: three.digest,
    previous: one.digest,
    backup: "old-v1",
  });
  assert.deepEqual(
    [tag(destination, "old-v1"), tag(destination, "v1")],
    [one.digest, three.digest],
  );
  const puts = destination.log.entries.filter(({ method }) => method === "PUT");
  const names = puts.map(({ path }) => path.split("/").at(-1));
  assert.ok(names.indexOf("old-v1") < names.indexOf("v1") && names.includes("old-v1"));
  const before = destination.log.entries.length;
  const third = await mirror(source, into(destination), { backup, all: true });
  assert.equal(third.outcomes["v1"]?.type, "unchanged");
  assert.deepEqual(
    destination.log.entries.slice(before).map(({ method, path }) => `${method} ${path}`),
    ["HEAD /v2/app/manifests/v1"],
  );
});

test("where a backup cannot be made nothing is replaced, and what is made once is enough", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", two);
  destination.seed("app", "v1", one);
  const refused = destination.behave({
    on: ({ method, reference }) => method === "PUT" && reference === "old-v1",
    fault: refuse(403, { code: "DENIED", afterBody: true }),
    times: Number.POSITIVE_INFINITY,
  });
  const { outcomes } = await mirror(source, into(destination), { backup });
  const outcome = outcomes["v1"];
  assert.equal(outcome?.type, "failed");
  assert.match(outcome.message, /Cannot keep what .*app:v1 stands for, so it is not replaced/);
  assert.equal(tag(destination, "v1"), one.digest);
  refused.stop();
  destination.seed("app", "old-v1", one);
  const again = await mirror(source, into(destination), { backup });
  assert.equal(again.outcomes["v1"]?.type === "copied" && again.outcomes["v1"].backup, "old-v1");
  assert.equal(
    destination.log.of("PUT manifest").filter(({ path }) => path.endsWith("old-v1")).length,
    1,
  );
});

test("whoever was faster is kept too, where the registry heeds conditions", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry({ features: { conditions: true } });
  source.seed("app", "v1", two);
  destination.behave({
    on: ({ method, reference }) => method === "PUT" && reference === "v1",
    fault: {
      arrive: () => {
        destination.seed("app", "v1", one);
        return undefined;
      },
    },
  });
  const { outcomes } = await mirror(source, into(destination), { backup });
  assert.equal(outcomes["v1"]?.type === "copied" && outcomes["v1"].previous, one.digest);
  assert.deepEqual([tag(destination, "old-v1"), tag(destination, "v1")], [one.digest, two.digest]);
});

test("a name that must be free makes no backup, nor does what comes out as it was", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", three);
  await mirror(source, into(destination)); // one image of an index
  destination.seed("app", "old-v1", two);
  const same = await mirror(source, into(destination), { backup });
  assert.equal(same.outcomes["v1"]?.type, "unchanged");
  assert.equal(tag(destination, "old-v1"), two.digest);
  source.seed("app", "v1", one);
  const kind = "immutable";
  const existing = { kind, tags: [{ kind: "literal", name: "v1" }] } as const;
  const { outcomes } = await mirror(source, into(destination), { backup, existing });
  assert.equal(outcomes["v1"]?.type, "failed");
  assert.equal(tag(destination, "old-v1"), two.digest);
});

/** Digests by the names of index.json. */
async function namesIn(layout: string): Promise<Record<string, string>> {
  const { manifests } = JSON.parse(await readFile(`${layout}/index.json`, "utf8"));
  const entries: { annotations?: Record<string, string>; digest: string }[] = manifests;
  return Object.fromEntries(
    entries.map(({ annotations, digest }) => [
      annotations?.["org.opencontainers.image.ref.name"] ?? "",
      digest,
    ]),
  );
}

test("a layout and folders keep what is replaced: by its entry, and by the same files", async () => {
  await using source = await startRegistry();
  await using folder = await tempFolder();
  const layout = folder.in("layout");
  const templates = [`oci:${layout}:{{.Tag}}`, `dir:${folder.in("app")}:{{.Tag}}`];
  const bring = async (image: typeof one, expected = ["copied", "copied"]) => {
    source.seed("app", "v1", image);
    const types: unknown[] = [];
    for (const template of templates) {
      const { outcomes } = await mirror(source, template, { backup });
      types.push(outcomes["v1"]?.type);
    }
    assert.deepEqual(types, expected);
    return await namesIn(layout);
  };
  await bring(one);
  const { v1, ...others } = await bring(two);
  assert.deepEqual(Object.keys(others), ["old-v1"]);
  assert.deepEqual(await bring(two, ["unchanged", "unchanged"]), { v1, ...others });
  const names = await bring(three);
  assert.deepEqual(Object.keys(names).sort(), ["", "old-v1", "v1"]); // the first has no name any more
  assert.equal(names["old-v1"], v1);
  assert.deepEqual((await readdir(folder.path)).sort(), ["app:old-v1", "app:v1", "layout"]);
  const kept = await readFile(folder.in("app:old-v1/manifest.json"));
  assert.equal(digestOf(kept), two.digest);
});

test("an image in a store keeps the other name", { skip: skipUnprivileged() }, async () => {
  await using source = await startRegistry();
  await using temp = await tempStore("vfs");
  const template = temp.reference("localhost/app:{{.Tag}}");
  for (const image of [one, two, three]) {
    source.seed("app", "v1", image);
    await mirror(source, template, { backup });
  }
  const { outcomes } = await mirror(source, template, { backup });
  assert.equal(outcomes["v1"]?.type, "unchanged");
  const store = await temp.open();
  const held = (await store.images()).map(({ names, digest }) => [names.join(), digest]);
  assert.deepEqual(held.slice(0, 2), [
    ["", one.digest],
    ["localhost/app:old-v1", two.digest],
  ]);
  assert.equal(held[2]?.[0], "localhost/app:v1");
});

test("pruning leaves backups alone, unless they are meant and their tags are gone", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", one);
  for (const name of ["v1", "old-v1", "old-v2", "v2"]) destination.seed("app", name, two);
  const rule = { dryRun: false, only: [], threshold: 0.5, alwaysUpTo: 0 };
  await mirror(source, into(destination), { backup, prune: rule });
  assert.deepEqual(tagsOf(destination), ["old-v1", "old-v2", "v1"]);
  await mirror(source, into(destination), { backup, prune: { ...rule, backups: true } });
  assert.deepEqual(tagsOf(destination), ["old-v1", "v1"]);
  assert.equal(tag(destination, "old-v1"), two.digest);
});

test("names of backups are of one tag each", () => {
  const { nameOf, tagOf } = parseBackupNames("{{.Tag}}-{{.Digest}}");
  const name = nameOf("1-a", digestOf(new Uint8Array()));
  assert.match(name, /^1-a-sha256-e3b0[0-9a-f]{60}$/);
  assert.deepEqual([tagOf(name), tagOf("1-a"), tagOf(`${name}0`)], ["1-a", undefined, undefined]);
  const bad = [
    "old",
    "{{.Tag}}",
    "{{.Tag}}-{{.Tag}}",
    "{{.Name}}-{{.Tag}}",
    "a/b:{{.Tag}}",
    "-{{.Tag}}",
  ];
  for (const text of bad) assert.throws(() => parseBackupNames(text), TemplateError, text);
});
