import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../policy/gate.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { artifactAbout } from "../../support/artifacts.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { noTrust } from "../../support/no-trust.ts";
import { emptyReply } from "../../support/registry/reply.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { bringCompanions, docker, everything, seedReferrers } from "./support.ts";

const image = makeImage({ type: "oci" });
const sbom = artifactAbout(image.digest, { seed: 1, artifactType: "application/x.sbom" });
const attestation = artifactAbout(image.digest, { seed: 2, artifactType: "application/x.att" });
const signature = artifactAbout(sbom.digest, { seed: 3, artifactType: "application/x.sig" });
const referrers = { referrers: "all", digestTags: false } as const;

/** A registry with the image, an SBOM with a signature of its own, and an attestation. */
async function withReferrers(api: boolean): Promise<Registry> {
  const registry = await startRegistry({ features: { referrers: api } });
  registry.seed("app", "v1", image);
  seedReferrers(registry, image.digest, [sbom, attestation]);
  seedReferrers(registry, sbom.digest, [signature]);
  return registry;
}

/** The digests that a registry lists by itself, whatever way, as a client sees them. */
async function listed(registry: Registry, subject = image.digest): Promise<readonly string[]> {
  await using engine = new Engine();
  const { transport, reference } = await engine.end(docker(registry, "app:v1"), "source");
  const { signal } = new AbortController();
  const found = await transport.companions?.referrers(reference, subject, "source", { signal });
  return (found ?? []).map(({ digest }) => digest);
}

for (const [from, to] of [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
] as const) {
  const name = (api: boolean) => (api ? "the API" : "fallback tags");
  test(`copyCompanions() brings referrers and theirs from ${name(from)} to ${name(to)}, once`, async () => {
    await using source = await withReferrers(from);
    await using destination = await startRegistry({ features: { referrers: to } });
    destination.seed("app", "v1", image);
    const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
    const { lines } = await bringCompanions(...ends, referrers);
    assert.deepEqual(lines, [
      "companion application/x.att",
      "companion application/x.sbom",
      "companion application/x.sig",
    ]);
    assert.deepEqual(
      new Set(await listed(destination)),
      new Set([sbom.digest, attestation.digest]),
    );
    assert.deepEqual(await listed(destination, sbom.digest), [signature.digest]);
    const puts = destination.log.entries.map(({ method, path }) => `${method} ${path}`);
    const at = (digest: string) => puts.indexOf(`PUT /v2/app/manifests/${digest}`);
    assert.ok(at(sbom.digest) < at(signature.digest), "the subject comes first");
    destination.log.clear();
    assert.deepEqual((await bringCompanions(...ends, referrers)).lines, []);
    assert.deepEqual(destination.log.of("PUT manifest"), []);
  });
}

test("copyCompanions() asks each side for one list where nothing is to be done", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  const lone = artifactAbout(image.digest);
  for (const registry of [source, destination]) registry.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  const instances: never[] = [];
  await bringCompanions(...ends, referrers, { instances });
  assert.deepEqual(source.log.counts(), { "GET referrers": 1 });
  assert.deepEqual(destination.log.entries, []);
  for (const registry of [source, destination]) registry.seed("app", undefined, lone);
  source.log.clear();
  await bringCompanions(...ends, referrers, { instances });
  assert.deepEqual(destination.log.counts(), { "GET referrers": 1 });
});

test("copyCompanions() brings what refers to the instances of an index", async () => {
  const index = makeMultiArch({ type: "oci" });
  const [instance] = index.manifests;
  assert.ok(instance);
  const inside = artifactAbout(digestOf(instance.bytes), { seed: 7 });
  const outside = artifactAbout(index.digest, { seed: 8 });
  await using source = await startRegistry();
  await using destination = await startRegistry();
  for (const registry of [source, destination]) registry.seed("app", "v1", index);
  for (const artifact of [inside, outside]) source.seed("app", undefined, artifact);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), index.digest] as const;
  await bringCompanions(...ends, referrers);
  const held = destination.store.repositories.get("app")?.manifests;
  assert.ok(held?.has(inside.digest) && held.has(outside.digest));
});

test("copyCompanions() brings only the artifact types asked for, whatever a list says of them", async () => {
  await using source = await startRegistry({ features: { referrers: false } });
  source.seed("app", "v1", image);
  const { artifactType: _, ...untold } = attestation.entry;
  const misnamed = { ...attestation, entry: untold };
  seedReferrers(source, image.digest, [sbom, misnamed]);
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  const only = (type: string) => ({ referrers: [type], digestTags: false });
  await bringCompanions(...ends, only("application/x.other"));
  assert.deepEqual(await listed(destination), []);
  await bringCompanions(...ends, only("application/x.att"));
  assert.deepEqual(await listed(destination), [attestation.digest]);
});

test("copyCompanions() is not led round by circles and lists that are wrong", async () => {
  await using source = await startRegistry({ features: { referrers: false } });
  source.seed("app", "v1", image);
  const stranger = artifactAbout(digestOf(Buffer.from("another")), { seed: 9 });
  seedReferrers(source, image.digest, [sbom, stranger]);
  const circle = { ...image, entry: image.descriptor };
  seedReferrers(source, sbom.digest, [circle, sbom]);
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  const { lines } = await bringCompanions(...ends, referrers);
  assert.deepEqual(lines, [
    "companion application/x.sbom",
    `left application/vnd.example.sbom: its manifest refers to ${digestOf(Buffer.from("another"))}`,
  ]);
});

test("copyCompanions() keeps to a depth", async () => {
  await using source = await startRegistry();
  source.seed("app", "v1", image);
  let subject = image.digest;
  for (let depth = 1; depth <= 10; depth++) {
    const next = artifactAbout(subject, { seed: depth });
    source.seed("app", undefined, next);
    subject = next.digest;
  }
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  await assert.rejects(bringCompanions(...ends, referrers), { code: "copy.unsupported" });
  assert.equal(destination.log.of("PUT manifest").length, 8);
});

test("copyCompanions() tries all before it tells of one that failed", async () => {
  await using source = await withReferrers(true);
  source.store.repositories.get("app")?.manifests.delete(sbom.digest);
  source.behave({
    on: "GET referrers",
    fault: {
      reply: (reply) => ({
        ...reply,
        headers: {},
        body: Buffer.from(
          JSON.stringify({ schemaVersion: 2, manifests: [sbom.entry, attestation.entry] }),
        ),
      }),
    },
  });
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  await assert.rejects(bringCompanions(...ends, referrers), { code: "copy.source-failed" });
  assert.deepEqual(await listed(destination), [attestation.digest]);
});

test("copyCompanions() of a dry run tells, and writes nothing", async () => {
  await using source = await withReferrers(false);
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  const { lines } = await bringCompanions(...ends, everything, { dryRun: true });
  assert.equal(lines.length, 3);
  assert.ok(destination.log.entries.every(({ method }) => method === "GET" || method === "HEAD"));
});

test("copyCompanions() keeps referrers over an OCI layout and back, fallback tags or API", async () => {
  await using folder = await tempFolder();
  await using source = await withReferrers(false);
  await using destination = await startRegistry();
  await using engine = new Engine();
  const layout = `oci:${folder.in("layout")}:app-v1`;
  await engine.copy(docker(source, "app:v1"), layout);
  const there = await bringCompanions(docker(source, "app:v1"), layout, image.digest, everything);
  assert.equal(there.lines.length, 3);
  const again = await bringCompanions(docker(source, "app:v1"), layout, image.digest, everything);
  assert.deepEqual(again.lines, []);
  await engine.copy(layout, docker(destination, "app:v1"));
  await bringCompanions(layout, docker(destination, "app:v1"), image.digest, everything);
  assert.deepEqual(new Set(await listed(destination)), new Set([sbom.digest, attestation.digest]));
  assert.deepEqual(await listed(destination, sbom.digest), [signature.digest]);
});

test("copyCompanions() asks the gate of what can be run, and lets documents go with their image", async () => {
  const hidden = makeImage({ type: "oci", seed: 5 });
  const manifest = JSON.parse(Buffer.from(hidden.bytes).toString());
  const bytes = Buffer.from(
    JSON.stringify({
      ...manifest,
      artifactType: "application/x.harmless",
      subject: image.descriptor,
    }),
  );
  const runs = { ...hidden, manifests: [{ mediaType: hidden.mediaType, bytes }] };
  await using source = await withReferrers(true);
  source.seed("app", undefined, runs);
  await using destination = await startRegistry();
  destination.seed("app", "v1", image);
  const gate = createGate(
    { default: [{ type: "reject" }], transports: new Map() } as never,
    noTrust,
  );
  const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
  await assert.rejects(bringCompanions(...ends, referrers, { gate }), { code: "policy.refused" });
  const held = destination.store.repositories.get("app")?.manifests;
  assert.ok(held?.has(sbom.digest) && held.has(signature.digest));
  assert.ok(!held?.has(digestOf(bytes)));
});

const soak = process.env["AMPHORA_SOAK"] === "1";

for (const api of [true, false]) {
  test(`what any failed request left out, the next run brings, ${api ? "by the API" : "by fallback tags"}`, async () => {
    await using source = await withReferrers(false);
    for (let nth = 1, isThrough = false; !isThrough; nth += soak ? 1 : 5) {
      await using destination = await startRegistry({ features: { referrers: api } });
      destination.seed("app", "v1", image);
      const rule = destination.behave({ nth, fault: { arrive: () => emptyReply(403) } });
      const ends = [docker(source, "app:v1"), docker(destination, "app:v1"), image.digest] as const;
      await bringCompanions(...ends, referrers).catch((error) => assert.ok(error.code, error));
      isThrough = rule.hits === 0;
      rule.stop();
      await bringCompanions(...ends, referrers);
      const all = new Set([sbom.digest, attestation.digest]);
      assert.deepEqual(new Set(await listed(destination)), all, `request ${nth}`);
      assert.deepEqual(
        await listed(destination, sbom.digest),
        [signature.digest],
        `request ${nth}`,
      );
    }
  });
}
