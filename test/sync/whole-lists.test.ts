import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate, type Gate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { FolderStore } from "../../sigstore/lookaside/folder-store.ts";
import type { SyncSummary } from "../../src/sync/events.ts";
import type { MirrorRule } from "../../src/sync/mirror.ts";
import { contextOf, gateOf } from "../policy/world.ts";
import { Engine, nowhere } from "../support/engine.ts";
import { makeMultiArch } from "../support/images.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import { noTrust } from "../support/no-trust.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

const never = new AbortController().signal;
const lists = [1, 2, 3].map((seed) => makeMultiArch({ seed: seed * 50 }));

/** What differs from a run over lists that are there, all let in, none signed. */
interface Case {
  readonly gate?: Gate;
  readonly copy?: Partial<MirrorRule["copy"]>;
  readonly attachments?: boolean;
  /** An instance of the first list has a signature in the look-aside. */
  readonly signed?: boolean;
  /** Lists that are not there yet. */
  readonly absent?: number;
}

async function run(given: Case): Promise<{
  readonly summary: SyncSummary;
  readonly source: Readonly<Record<string, number>>;
  readonly destination: Readonly<Record<string, number>>;
}> {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  await using folder = await tempFolder();
  const store = new FolderStore(folder.path);
  for (const [n, list] of lists.entries()) {
    source.seed("made", `v${n}`, list);
    if (n >= (given.absent ?? 0)) destination.seed("there", `v${n}`, list);
  }
  if (given.signed) {
    const [manifest] = JSON.parse(Buffer.from(lists[0]?.bytes ?? []).toString()).manifests;
    const subject = { repository: `${source.host}/made`, manifestDigest: manifest.digest };
    const bytes = new TextEncoder().encode("\u0099signed");
    await store.append(subject, [{ format: "simple-signing", bytes }], { signal: never });
  }
  const places = { ...nowhere, read: store, write: store, attachments: given.attachments ?? false };
  await using engine = new Engine({ signaturePlaces: async () => places });
  const rule = mirrorRule(`docker://${source.host}/made`, `docker://${destination.host}/there`);
  const copy = { ...rule.copy, select: { type: "all" as const }, ...given.copy };
  const { summary } = await mirrorWith(engine, [{ ...rule, copy }], {
    keepGoing: true,
    ...(given.gate && { gate: given.gate }),
  });
  return { summary, source: source.log.counts(), destination: destination.log.counts() };
}

const twoHeads = {
  source: { "GET tags": 1, "HEAD manifest": 3 },
  destination: { "HEAD manifest": 3 },
};

test("lists that are there take two heads", async () => {
  const { summary, ...requests } = await run({});
  assert.equal(summary.unchanged, 3);
  assert.deepEqual(requests, twoHeads);
});

test("lists that are there take two heads where signatures are not wanted", async () => {
  const copy = { removeSignatures: true };
  const { summary, ...requests } = await run({ attachments: true, signed: true, copy });
  assert.equal(summary.unchanged, 3);
  assert.deepEqual(requests, twoHeads);
});

test("lists are read where images of the repository may be signed", async () => {
  for (const given of [{ signed: true }, { attachments: true }]) {
    const { summary, source } = await run(given);
    assert.equal(summary.unchanged, 3);
    assert.ok((source["GET manifest"] ?? 0) >= 3, JSON.stringify(source));
  }
});

test("lists are read where the gate decides image by image", async () => {
  const whole = createGate(acceptAnything, noTrust);
  const gate: Gate = {
    verdict: (subject) => whole.verdict(subject),
    admit: (subject) => whole.admit(subject),
  };
  const { summary, source } = await run({ gate });
  assert.equal(summary.unchanged, 3);
  assert.equal(source["GET manifest"], 3);
});

test("lists that the policy refuses fail although they are there", async () => {
  for (const policy of [
    { default: [{ type: "reject" }] },
    { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/keys/ann" }] },
  ]) {
    const { summary, destination } = await run({ gate: gateOf(policy, contextOf({})) });
    assert.equal(summary.failed, 3);
    assert.equal(destination["PUT manifest"], undefined);
  }
});

test("lists that are not there are copied, the others not", async () => {
  const { summary, destination } = await run({ absent: 2 });
  const { copied, unchanged } = summary;
  assert.deepEqual({ copied, unchanged }, { copied: 2, unchanged: 1 });
  assert.equal(destination["PUT manifest"], 2 * 4);
});
