import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { parseRepositoryPattern } from "../../../src/core/repository-pattern.ts";
import { withBridge } from "../../../src/server/signing/bridge.ts";
import { SigningError } from "../../../src/server/signing/errors.ts";
import type { SigningSettings } from "../../../src/server/signing/settings.ts";
import {
  aCall,
  accept,
  admissionWorld,
  configOf,
  image,
  index,
  layerOf,
  reject,
  repositoryOf,
  someDigest,
} from "./world.ts";

const repo = "docker.io/library/app";
const open = { [repo]: [accept], "docker.io/library/other": [accept] };

test("a blocked digest is refused whatever the mode, by tag, by digest and as a blob", async () => {
  for (const mode of ["enforce", "audit", "off"]) {
    await using world = await admissionWorld({ scopes: [{ repositories: ["**"], mode }] }, open);
    const one = image("one");
    assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
    world.admission.blocks.add({ digest: one.digest, reason: "CVE-2026-1" });
    const refused = await world.byTag(repo, "v1", one);
    assert.ok(!refused.allowed);
    assert.deepEqual(
      [refused.status, refused.reason, refused.at],
      [403, "policy: blocked: CVE-2026-1", "manifest"],
    );
    assert.equal((await world.byDigest(repo, one)).allowed, false);
    assert.equal((await world.blob(repo, one.digest))?.allowed, false);
    assert.equal((await world.byTag(repo, "v2", image("two"))).allowed, true);
  }
});

test("without settings there is no policy, and blocks count", async () => {
  await using world = await admissionWorld(undefined, { [repo]: [reject] });
  const one = image("one");
  assert.deepEqual(await world.byTag(repo, "v1", one), { allowed: true });
  assert.equal(await world.blob(repo, layerOf("one")), undefined);
  world.admission.blocks.add({ repository: "docker.io/**", reason: "moved" });
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  assert.equal((await world.blob(repo, layerOf("one")))?.allowed, false);
  assert.equal((await world.byTag("ghcr.example/a", "v1", one)).allowed, true);
});

test("an index that names a blocked instance is refused, and what only a blocked one names", async () => {
  await using world = await admissionWorld({}, open);
  const shared = {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: someDigest("base"),
    size: 4,
  };
  const one = image("one", { layers: [shared, { ...shared, digest: layerOf("one") }] });
  const two = image("two", { layers: [shared] });
  const both = index([one, two]);
  for (const manifest of [one, two, both]) await world.byDigest(repo, manifest);
  const block = world.admission.blocks.add({ digest: one.digest, reason: "bad" });
  assert.equal((await world.byTag(repo, "v1", both)).allowed, false);
  assert.equal((await world.byDigest(repo, two)).allowed, true);
  assert.equal((await world.blob(repo, layerOf("one")))?.allowed, false);
  assert.equal((await world.blob(repo, configOf("one")))?.allowed, false);
  assert.equal(await world.blob(repo, shared.digest), undefined, "shared with what is not blocked");
  world.admission.blocks.remove({ id: block.id });
  assert.equal((await world.byTag(repo, "v1", both)).allowed, true);
  assert.equal(await world.blob(repo, layerOf("one")), undefined);
});

test("a blocked layer refuses the images that have it; a blocked index takes its images along", async () => {
  await using world = await admissionWorld({}, open);
  const one = image("one");
  const two = image("two");
  world.admission.blocks.add({ digest: layerOf("one"), reason: "malware" });
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  const list = index([two]);
  await world.byTag(repo, "v2", list);
  await world.byDigest(repo, two);
  world.admission.blocks.add({ digest: list.digest, reason: "malware" });
  assert.equal((await world.byDigest(repo, two)).allowed, false);
  assert.equal((await world.blob(repo, layerOf("two")))?.allowed, false);
});

test("what is being sent is stopped, also by another process, and what is not is left alone", async () => {
  await using world = await admissionWorld({}, open);
  const one = image("one");
  await world.byTag(repo, "v1", one);
  const other = world.second();
  const layer = world.admission.watch(repositoryOf(repo), layerOf("one"), aCall());
  const elsewhere = world.admission.watch(repositoryOf(repo), someDigest("else"), aCall());
  const gone = world.admission.watch(repositoryOf(repo), one.digest, aCall());
  gone[Symbol.dispose]();
  const began = performance.now();
  other.blocks.add({ digest: one.digest, reason: "bad", by: "ann" });
  await once(layer.blocked, "abort");
  assert.ok(performance.now() - began < 60_000);
  assert.equal(elsewhere.blocked.aborted, false);
  assert.equal(gone.blocked.aborted, false);
  assert.equal(world.admission.blocks.list()[0]?.by, "ann");
  layer[Symbol.dispose]();
});

test("what is blocked does not leave inside of what brings it along", async () => {
  await using world = await admissionWorld(undefined, open);
  const inside = ({ mediaType, digest, bytes }: ReturnType<typeof image>) => {
    const data = Buffer.from(bytes).toString("base64");
    return { mediaType, digest, size: bytes.length, data };
  };
  const outer = index([inside(index([inside(image("one"))]))]);
  assert.equal((await world.byTag(repo, "v1", outer)).allowed, true);
  for (const digest of [image("one").digest, layerOf("one")]) {
    const { id } = world.admission.blocks.add({ digest, reason: "bad" });
    assert.equal((await world.byTag(repo, "v1", outer)).allowed, false);
    world.admission.blocks.remove({ id });
  }
});

test("what is being sent by one digest is stopped when it is blocked by another", async () => {
  await using world = await admissionWorld({}, open);
  const [bytes, others] = [Buffer.from("one"), Buffer.from("else")];
  const long = world.keepBlob(repo, bytes, "sha512");
  const other = world.keepBlob(repo, others, "sha512");
  using watch = world.admission.watch(repositoryOf(repo), long, aCall());
  assert.equal(watch.blocked.aborted, false);
  world.admission.blocks.add({ digest: digestOf(bytes), reason: "bad" });
  await once(watch.blocked, "abort");
  assert.equal(await world.blob(repo, other), undefined);
  assert.equal((await world.blob(repo, long))?.allowed, false);
  using late = world.admission.watch(repositoryOf(repo), long, aCall());
  assert.equal(late.blocked.aborted, true);
  await assert.rejects(world.blob(repo, digestOf(Buffer.from("none"), "sha512")), { status: 404 });
});

test("a block that is made while an image is judged beats the verdict", async () => {
  const required = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "none.pub" }];
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], mode: "audit" }] },
    { [repo]: required },
  );
  const hold = Promise.withResolvers<void>();
  world.signatures.held = hold.promise;
  const one = image("one");
  const asked = world.byTag(repo, "v1", one);
  world.admission.blocks.add({ digest: one.digest, reason: "bad" });
  hold.resolve();
  assert.equal((await asked).allowed, false);
});

test("a block that is made while an image is signed over the bridge beats the verdict", async () => {
  await using world = await admissionWorld({}, open);
  const one = image("one");
  const block = () => world.admission.blocks.add({ digest: one.digest, reason: "bad" });
  const bridge = { keys: ["k"], identity: "", repositories: [parseRepositoryPattern("**")] };
  const admission = withBridge(world.admission, {
    settings: { bridge: [bridge] } as unknown as SigningSettings,
    signer: {
      async sign() {
        block();
        return { signatures: [], keyIds: [] };
      },
    },
    signatures: world.signatures,
    readManifest: async () => undefined,
    now: Date.now,
    report: () => {},
  });
  const tag = { type: "tag", tag: "v1" } as const;
  const decision = await admission.admitManifest(repositoryOf(repo), tag, one, aCall());
  assert.equal(world.admission.blocks.list().length, 1);
  assert.equal(decision.allowed, false);
});

test("what the bridge did not sign is asked for again after a while, and what it did is not", async () => {
  await using world = await admissionWorld({}, open);
  let now = 0;
  let asked = 0;
  let refuses = true;
  const bridge = { keys: ["k"], identity: "", repositories: [parseRepositoryPattern("**")] };
  const admission = withBridge(world.admission, {
    settings: { bridge: [bridge] } as unknown as SigningSettings,
    signer: {
      async sign() {
        asked++;
        if (refuses) throw new SigningError("signing.refused", "not admitted");
        return { signatures: [] };
      },
    },
    signatures: world.signatures,
    readManifest: async () => undefined,
    now: () => now,
    report: () => {},
  });
  const pull = () =>
    admission.admitManifest(repositoryOf(repo), { type: "tag", tag: "v1" }, image("one"), aCall());
  await pull();
  await pull();
  assert.equal(asked, 1);
  refuses = false;
  now += 60_001;
  await pull();
  assert.equal(asked, 2);
  now += 86_400_000;
  await pull();
  assert.equal(asked, 2);
});

test("blocks outlive the process", async () => {
  await using world = await admissionWorld({}, open);
  world.admission.blocks.add({ digest: image("one").digest, reason: "bad" });
  const after = world.second();
  assert.equal(after.blocks.list().length, 1);
  assert.ok(after.blocks.find(repo, image("one").digest));
});
