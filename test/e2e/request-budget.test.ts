import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { CopyOptions } from "../../src/copy/options.ts";
import { Engine } from "../support/engine.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { startTokenServer } from "../support/token-server.ts";

type Counts = Readonly<Record<string, number>>;

interface Budget {
  readonly name: string;
  readonly image: TestImage;
  /** What is copied, and where to, before counting begins. */
  readonly before?: readonly (readonly [from: string, to: string])[];
  /** Names without the host; `same:` stays at the source's registry. */
  readonly to: string;
  readonly options?: Partial<CopyOptions> & { readonly tellLayers?: boolean };
  readonly source: Counts;
  readonly destination: Counts;
}

// Layers above the size that is sent unasked, so that their budget is the one that counts.
const single = makeImage({ seed: 40, layerBytes: 50_000 });
const multi = makeMultiArch({ seed: 41, layerBytes: 50_000 });
const all = { select: { type: "all" } } as const;

/**
 * `specs/registry.md` 1.10, the last column, and one ping where a copy is made: it alone tells whether the registry keeps
 * signatures. Single: config and three layers; multi: three images, six blobs.
 */
const budgets: readonly Budget[] = [
  {
    name: "a new image",
    image: single,
    to: "new:v1",
    source: { "GET blob": 4, "GET manifest": 1, "GET ping": 1, "HEAD manifest": 1 },
    destination: {
      "HEAD manifest": 1,
      "POST uploads?mount": 4,
      "PUT manifest": 1,
      "PUT upload": 4,
    },
  },
  {
    name: "an image that is there",
    image: single,
    before: [["made:v1", "there:v1"]],
    to: "there:v1",
    source: { "HEAD manifest": 1 },
    destination: { "HEAD manifest": 1 },
  },
  {
    name: "an image that is there, with lines that name its layers",
    image: single,
    before: [["made:v1", "there:v1"]],
    to: "there:v1",
    options: { tellLayers: true },
    source: { "GET manifest": 1 },
    destination: { "HEAD manifest": 1 },
  },
  {
    name: "a new index and its images",
    image: multi,
    to: "new:v1",
    options: all,
    source: { "GET blob": 6, "GET manifest": 4, "GET ping": 1 },
    destination: {
      "HEAD manifest": 1,
      "POST uploads?mount": 6,
      "PUT manifest": 4,
      "PUT upload": 6,
    },
  },
  {
    name: "an index that is there",
    image: multi,
    before: [["made:v1", "there:v1"]],
    to: "there:v1",
    options: all,
    source: { "GET manifest": 1 },
    destination: { "HEAD manifest": 1 },
  },
  {
    name: "an image to another repository of its registry",
    image: single,
    to: "same:other:v1",
    source: {
      "GET manifest": 1,
      "GET ping": 1,
      "HEAD manifest": 2,
      "POST uploads?mount&from": 4,
      "PUT manifest": 1,
    },
    destination: {},
  },
  {
    name: "an image to another tag of its repository",
    image: single,
    to: "same:made:v2",
    source: { "GET manifest": 1, "GET ping": 1, "HEAD manifest": 2, "PUT manifest": 1 },
    destination: {},
  },
];

suite("copy() sends no more requests than it has to for", () => {
  for (const budget of budgets) test(budget.name, () => spend(budget));
});

async function spend(budget: Budget): Promise<void> {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("made", "v1", budget.image);
  for (const [from, to] of budget.before ?? []) {
    await using engine = new Engine();
    await engine.copy(place(from, source, source), place(to, source, destination), budget.options);
  }
  source.log.clear();
  destination.log.clear();
  await using engine = new Engine();
  const to = place(budget.to, source, destination);
  await engine.copy(`docker://${source.host}/made:v1`, to, budget.options);
  assert.deepEqual(
    { source: source.log.counts(), destination: destination.log.counts() },
    { source: budget.source, destination: budget.destination },
  );
}

function place(name: string, source: Registry, destination: Registry): string {
  const { host } = name.startsWith("same:") || name.startsWith("made:") ? source : destination;
  return `docker://${host}/${name.replace("same:", "")}`;
}

test("copy() asks for one token a host and scope, and is refused once", async () => {
  await using tokens = await startTokenServer({ users: { ann: "secret" } });
  const access = { kind: "bearer", issuer: tokens.issuer, realm: tokens.realm } as const;
  await using source = await startRegistry({ access });
  await using destination = await startRegistry({ access });
  source.seed("made", "v1", single);
  const ann = { username: "ann", password: "secret" };
  const credentials = { [source.host]: ann, [destination.host]: ann };
  await using engine = new Engine({ credentials });
  await engine.copy(`docker://${source.host}/made:v1`, `docker://${destination.host}/new:v1`);
  assert.equal(tokens.server.log.entries.length, 2);
  for (const { log } of [source, destination]) {
    assert.equal(log.entries.filter((entry) => entry.status === 401).length, 1);
  }
});
