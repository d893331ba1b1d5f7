import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Signer } from "../../sigstore/signer.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import type { SyncSummary } from "../../src/sync/events.ts";
import type { MirrorParts } from "../../src/sync/parts.ts";
import { openSyncState, type SyncState } from "../../src/sync/sync-state.ts";
import { contextOf, gateOf } from "../policy/world.ts";
import { Engine } from "../support/engine.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const { signal } = new AbortController();
const digest = (text: string): Digest => digestOf(Buffer.from(text));

function open(path: string, warnings: string[] = []): Promise<SyncState> {
  return openSyncState(path, { signal, onWarning: (text) => warnings.push(text) });
}

function entry(n: number, made = "made") {
  return { to: `docker://h/r:${n}`, options: "o", source: digest(`${n}`), digest: digest(made) };
}

test("SyncState knows of each name what its last copy came to, in the next run too", async () => {
  await using folder = await tempFolder();
  const path = folder.in("state");
  {
    await using state = await open(path);
    for (let n = 0; n < 50; n++) state.note(entry(n));
    state.note(entry(7, "made later"));
    assert.equal(state.made("docker://h/r:7", "o", digest("7")), digest("made later"));
  }
  const before = await readFile(path, "utf8");
  await using state = await open(path);
  assert.equal(state.made("docker://h/r:7", "o", digest("7")), digest("made later"));
  assert.equal(state.made("docker://h/r:8", "o", digest("8")), digest("made"));
  assert.equal(state.made("docker://h/r:8", "other", digest("8")), undefined);
  assert.equal(state.made("docker://h/r:8", "o", digest("9")), undefined);
  assert.equal(state.made("docker://h/r:99", "o", digest("99")), undefined);
  assert.equal((await readFile(path, "utf8")).split("\n").length, before.split("\n").length - 1);
});

test("SyncState passes over the line that a killed run was writing, and tells of other damage", async () => {
  await using folder = await tempFolder();
  const path = folder.in("state");
  const warnings: string[] = [];
  {
    await using state = await open(path, warnings);
    state.note(entry(1));
  }
  await appendFile(path, '{"to":"docker://h/r:2","opt');
  {
    await using state = await open(path, warnings);
    assert.equal(state.made("docker://h/r:1", "o", digest("1")), digest("made"));
    assert.deepEqual(warnings, []);
  }
  for (const damage of ["not a state\n", "", '{"to":1}\n', "\0\0\0\n"]) {
    const whole = await readFile(path, "utf8");
    await writeFile(path, damage === "" ? whole.slice(20) : `${whole}${damage}`);
    const told: string[] = [];
    {
      await using state = await open(path, told);
      assert.equal(told.length, 1, JSON.stringify(damage));
      assert.equal(state.made("docker://h/r:1", "o", digest("1")), undefined);
      state.note(entry(1));
    }
    await using again = await open(path, told);
    assert.equal(told.length, 1);
    assert.equal(again.made("docker://h/r:1", "o", digest("1")), digest("made"));
  }
});

test("SyncState is one run's at a time", async () => {
  await using folder = await tempFolder();
  const path = folder.in("state");
  {
    await using _ = await open(path);
    await assert.rejects(open(path), { code: "sync.busy" });
  }
  await using _ = await open(path);
  await assert.rejects(open(folder.in("absent", "state", "\0")), { code: "sync.bad-state" });
});

interface World {
  readonly run: (
    copy?: Partial<CopyOptions>,
    parts?: Partial<MirrorParts>,
  ) => Promise<SyncSummary & { readonly heads: number; readonly others: number }>;
  readonly replace: (tag: string, image: TestImage) => void;
}

/** Mirrors the tags a, b and c of one image with a state, and counts requests but for lists. */
async function withState(image: TestImage, work: (world: World) => Promise<void>): Promise<void> {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  await using folder = await tempFolder();
  for (const tag of ["a", "b", "c"]) source.seed("made", tag, image);
  const rule = mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`);
  await work({
    replace: (tag, other) => void destination.seed("there", tag, other),
    async run(copy = {}, parts = {}) {
      source.log.clear();
      destination.log.clear();
      await using state = await open(folder.in("state"));
      await using engine = new Engine();
      const rules = [{ ...rule, copy: { ...rule.copy, ...copy } }];
      const { summary } = await mirrorWith(engine, rules, { state, keepGoing: true, ...parts });
      const asked = [...source.log.entries, ...destination.log.entries].filter(
        ({ template }) => template !== "GET tags",
      );
      const heads = asked.filter(({ template }) => template === "HEAD manifest").length;
      return { ...summary, heads, others: asked.length - heads };
    },
  });
}

const linux = { os: "linux", architecture: "amd64" };
const changes: readonly (readonly [string, TestImage, Partial<CopyOptions>])[] = [
  ["one image of a list", makeMultiArch({ seed: 300 }), {}],
  [
    "some platforms of a list",
    makeMultiArch({ seed: 310 }),
    { select: { type: "platforms", platforms: [linux] } },
  ],
  [
    "another compression",
    makeImage({ seed: 320, type: "oci" }),
    { compression: { format: "zstd", force: true } },
  ],
  ["plain layers that are packed", makeImage({ seed: 330, type: "oci", compression: "none" }), {}],
];

for (const [name, image, copy] of changes) {
  test(`what was changed takes two heads the next time: ${name}`, async () => {
    await withState(image, async ({ run, replace }) => {
      assert.equal((await run(copy)).copied, 3);
      const again = await run(copy);
      const { unchanged, heads, others } = again;
      assert.deepEqual({ unchanged, heads, others }, { unchanged: 3, heads: 6, others: 0 });

      replace("b", makeImage({ seed: 399 }));
      const repaired = await run(copy);
      assert.deepEqual([repaired.copied, repaired.unchanged], [1, 2]);
      const other = await run({ ...copy, compression: { format: "gzip", force: true } });
      assert.equal(other.copied + other.unchanged, 3);
      assert.ok(other.others > 0, "under other options nothing is known");
    });
  });
}

test("what was signed is not signed again", async () => {
  let made = 0;
  const signer: Signer = {
    keyId: "toy",
    format: "simple-signing",
    sign: async () => ({ format: "simple-signing", bytes: Buffer.from(`signature ${++made}`) }),
    hasMade: async () => false,
    async [Symbol.asyncDispose]() {},
  };
  await withState(makeImage({ seed: 360 }), async ({ run }) => {
    assert.equal((await run({}, { signing: { signers: [signer] } })).copied, 3);
    assert.equal(made, 3);
    const again = await run({}, { signing: { signers: [signer] } });
    assert.deepEqual([again.unchanged, again.heads, again.others, made], [3, 6, 0, 3]);
    await run({}, { signing: { signers: [{ ...signer, keyId: "another" }] } });
    assert.equal(made, 6);
  });
});

test("what was changed and is refused now fails, whatever is known of it", async () => {
  const copy = { compression: { format: "zstd", force: true } } as const;
  await withState(makeImage({ seed: 340, type: "oci" }), async ({ run }) => {
    assert.equal((await run(copy)).copied, 3);
    for (const requirement of [
      { type: "reject" },
      { type: "signedBy", keyType: "GPGKeys", keyPath: "/keys/ann" },
    ]) {
      const gate = gateOf({ default: [requirement] }, contextOf({}));
      assert.equal((await run(copy, { gate })).failed, 3);
    }
    assert.equal((await run(copy)).unchanged, 3);
  });
});

test("what the gate judges image by image is read again, and not copied", async () => {
  const whole = gateOf({ default: [{ type: "insecureAcceptAnything" }] }, contextOf({}));
  const gate = {
    verdict: (subject: Parameters<typeof whole.verdict>[0]) => whole.verdict(subject),
    admit: (subject: Parameters<typeof whole.admit>[0]) => whole.admit(subject),
  };
  const cut = { select: { type: "platforms", platforms: [linux] } } as const;
  const packed = { ...cut, compression: { format: "zstd", force: true } } as const;
  for (const [copy, others, why] of [
    [packed, 3 * 2, "the list and its image, by GET"],
    [cut, 3, "the list, by GET: its images are as they were"],
  ] as const) {
    await withState(makeMultiArch({ seed: 350 }), async ({ run }) => {
      await run(copy, { gate });
      const again = await run(copy, { gate });
      assert.equal(again.unchanged, 3);
      assert.equal(again.bytesMoved, 0);
      assert.equal(again.others, others, why);
    });
  }
});
