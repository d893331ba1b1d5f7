import assert from "node:assert/strict";
import { test } from "node:test";
import { type FilterParts, rowFilter } from "../../../src/cli/local/filter-images.ts";
import { findLocalImage } from "../../../src/cli/local/find-image.ts";
import { rowsOf } from "../../../src/cli/local/image-rows.ts";
import { type LocalImage, listLocalImages } from "../../../src/cli/local/local-image.ts";
import { TransportError } from "../../../src/transport/contract/errors.ts";
import { handLayer } from "../../support/hand-layer.ts";
import { skipWithout } from "../../support/peers.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { handImage, putLayers, type TempStore, tempStore } from "../../support/temp-store.ts";

const now = Date.parse("2026-11-27T20:00:00Z");
const skip = skipUnprivileged() || skipWithout("podman");
const day = (number: number) => `2026-11-0${number}T00:00:00Z`;
const step = (number: number) => ({ created: day(number), created_by: `step ${number}` });

/** A base of two names; a nameless step upon it that a named image stands on; one that nothing stands on; one without layers. */
async function fill(temp: TempStore): Promise<void> {
  const store = await temp.open();
  const [base, top] = [handLayer({ base: "1" }), handLayer({ top: "2" })];
  const below = await putLayers(store, [base]);
  const above = await putLayers(store, [base, top]);
  const put = async (
    names: readonly string[],
    layers: readonly (typeof base)[],
    steps: number,
    Labels: Readonly<Record<string, string>> = {},
  ) => {
    const history = Array.from({ length: steps }, (_, index) => step(index + 1));
    const config = { created: day(steps), config: { Labels }, history };
    const topLayer = layers.length === 1 ? below : above;
    await store.putImage(handImage(layers, topLayer, names, config));
  };
  await put(["localhost/team/base:1", "h.example/x/y:3"], [base], 1, { a: "b", "org.x": "1" });
  await put([], [base, top], 2);
  await put(["localhost/app:latest"], [base, top], 3, { a: "" });
  await put([], [base, top], 6);
}

async function partsOf(temp: TempStore): Promise<FilterParts & { images: readonly LocalImage[] }> {
  const store = await temp.open();
  const images = await listLocalImages(store);
  const rules = { unqualifiedSearchRegistries: [], aliases: new Map() } as never;
  const find = async (text: string) => {
    const { image } = await findLocalImage(store, text, rules);
    const found = images.find(({ record }) => record.id === image.id);
    if (!found) throw new TransportError("transport.image-not-found", "gone");
    return found;
  };
  return { images, find, containersOf: () => 0, now };
}

async function shown(
  { images, ...parts }: Awaited<ReturnType<typeof partsOf>>,
  conditions: readonly string[],
): Promise<readonly string[]> {
  const fits = await rowFilter(conditions, parts);
  const rows = rowsOf(images).filter(fits);
  return rows
    .map((row) => `${row.image.record.id.slice(0, 12)} ${row.repository}:${row.tag}`)
    .sort();
}

// What Debian's podman 4.3 tells; where 5.8 tells other things we go with it, and the row is not here.
const conditions: readonly (readonly string[])[] = [
  [],
  ["intermediate=true"],
  ["dangling=true"],
  ["dangling!=true"],
  ["reference=base"],
  ["reference=team/base:1"],
  ["reference=*/?"],
  ["reference=[a-b]p[^x]"],
  ["reference!=base"],
  ["label=a"],
  ["label=a="],
  ["label!=a=b"],
  ["label=rg*"],
  ["until=2026-11-03"],
  ["until=2026-11-03T00:00:00+02:00"],
  ["until=24h", "label=a"],
  ["until!=1793577600"],
  ["after=localhost/team/base:1", "before=localhost/app:latest"],
  ["containers=false", "readonly=false", "manifest=0"],
];

test("images are chosen by conditions as podman chooses them", { skip }, async () => {
  await using temp = await tempStore("vfs");
  await fill(temp);
  const parts = await partsOf(temp);
  for (const condition of conditions) {
    const flags = condition.flatMap((one) => ["--filter", one]);
    const format = "{{.ID}} {{.Repository}}:{{.Tag}}";
    const { stdout, stderr } = await temp.podman("images", "--all", "--format", format, ...flags);
    const told = stdout.split("\n").filter((line) => line !== "");
    assert.deepEqual(await shown(parts, condition), told.sort(), `${condition}\n${stderr}`);
  }
});

// What podman 5.8 tells, by hand.
const newer: readonly (readonly [conditions: readonly string[], names: readonly string[]])[] = [
  [["reference=h.example/x/y:3"], ["h.example/x/y:3"]],
  [["reference=y"], ["h.example/x/y:3", "localhost/team/base:1"]],
  [
    ["reference=y:3", "reference=app"],
    ["h.example/x/y:3", "localhost/app:latest", "localhost/team/base:1"],
  ],
  [["reference=*", "reference!=y"], ["localhost/app:latest"]],
  [
    ["label=a", "until=2099-01-01T10:00Z"],
    ["h.example/x/y:3", "localhost/app:latest", "localhost/team/base:1"],
  ],
];

const wrong: readonly (readonly [conditions: readonly string[], message: RegExp])[] = [
  [["dangling=maybe"], /non-boolean value "maybe" for dangling filter: strconv.ParseBool/],
  [["dangling=1", "dangling=true"], /specifying "dangling" filter more than once with different/],
  [["before=x"], /could not find local image for filter "before"="x": x: image not known/],
  [["digest=md5:"], /invalid value "md5:" for digest filter/],
  [["containers=external"], /unsupported value "external" for containers filter/],
  [["until=2026-02-30"], /failed to parse value as time or duration: "2026-02-30"/],
  [["until="], /failed to parse value as time or duration: ""/],
  [["colour=red"], /invalid image filter "colour=red": must be in the format "filter=value or/],
  [["dangling"], /invalid image filter "dangling"/],
];

test("references are alternatives, one whole one is a name, and words that mean nothing are refused", {
  skip: skipUnprivileged(),
}, async () => {
  await using temp = await tempStore("vfs");
  await fill(temp);
  const parts = await partsOf(temp);
  for (const [condition, names] of newer) {
    const told = (await shown(parts, condition)).map((line) => line.slice(13));
    assert.deepEqual(told.sort(), names, condition.join());
  }
  for (const [condition, message] of wrong)
    await assert.rejects(shown(parts, condition), { code: "usage.bad-flag", message });
});
