import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  accept,
  admissionWorld,
  image,
  index,
  layerOf,
  PlaceError,
  people,
  signedBy,
} from "./world.ts";

// specs/signing.md 6.8, as far as it is admission's: each row one test.

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann, "bob.pub": folk.keys.bob };
const byAnn = { [repo]: [signedBy("ann.pub")] };

test("an unsigned image is refused by tag and by digest, with the policy's own line", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  const byTag = await world.byTag(repo, "v1", one);
  assert.deepEqual(
    { ...byTag, id: "" },
    {
      allowed: false,
      id: "",
      status: 403,
      reason: "policy: A signature was required, but no signature exists",
      at: "manifest",
      policy: world.policy.current.state === "ready" && world.policy.current.snapshot.policyHash,
    },
  );
  const byDigest = await world.byDigest(repo, one);
  assert.equal(byDigest.allowed, false);
});

test("a signed image is admitted, under its tag and by its digest, and under no other tag", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal((await world.byDigest(repo, one)).allowed, true);
  const moved = await world.byTag(repo, "v2", one);
  assert.equal(moved.allowed, false);
  assert.ok(!moved.allowed && moved.tagOnly, "by digest it would pass: a HEAD must not");
});

test("a blob of an image that is not admitted is refused in strict scopes", async () => {
  const strict = { scopes: [{ repositories: ["docker.io/**"], strictBlobs: true }] };
  await using world = await admissionWorld(strict, byAnn, keys);
  const one = image("one");
  const two = image("two");
  world.signatures.put(repo, two.digest, folk.sign("ann", `${repo}:v2`, two.digest));
  await world.byTag(repo, "v1", one);
  await world.byTag(repo, "v2", two);
  assert.equal((await world.blob(repo, layerOf("one")))?.allowed, false);
  assert.equal((await world.blob(repo, layerOf("two")))?.allowed, true);
  assert.equal((await world.blob("docker.io/library/other", layerOf("two")))?.allowed, false);
});

test("a tag that looks like an attachment's is judged if what it has can be run", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const runnable = image("evil");
  const tag = `${image("one").digest.replace(":", "-")}.sig`;
  assert.equal((await world.byTag(repo, tag, runnable)).allowed, false);
});

test("an index with an unsigned platform: refused where all count, else that platform alone", async () => {
  const amd64 = image("amd64");
  const arm64 = image("arm64");
  const both = index([amd64, arm64]);
  for (const instances of ["all", "lazy"]) {
    const scopes = [{ repositories: ["**"], instances }];
    await using world = await admissionWorld({ scopes }, byAnn, keys);
    world.signatures.put(repo, amd64.digest, folk.sign("ann", `${repo}:v1`, amd64.digest));
    const whole = await world.byTag(repo, "v1", both);
    assert.equal(whole.allowed, instances === "lazy");
    if (!whole.allowed)
      assert.match(whole.reason, /^policy: A signature was required.*linux\/arm64/);
    assert.equal((await world.byDigest(repo, amd64)).allowed, true);
    assert.equal((await world.byDigest(repo, arm64)).allowed, false);
  }
});

test("an index that brings an unsigned image along in itself is refused where it would be asked for", async () => {
  const scopes = [{ repositories: ["**"], instances: "lazy" }];
  await using world = await admissionWorld({ scopes }, byAnn, keys);
  const evil = image("evil");
  const { mediaType, digest, bytes } = evil;
  const data = Buffer.from(bytes).toString("base64");
  const entry = { mediaType, digest, size: bytes.length };
  const docker = "application/vnd.docker.distribution.manifest.list.v2+json";
  assert.equal((await world.byTag(repo, "v1", index([entry]))).allowed, true);
  for (const change of [{}, { mediaType: docker }]) {
    const embedding = index([{ ...entry, data }], change);
    assert.equal((await world.byTag(repo, "v1", embedding)).allowed, false);
  }
});

test("a policy that changes decides anew, without a restart", async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] }, keys);
  const one = image("one");
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  await world.writePolicy(byAnn);
  world.admission.reload();
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  await world.writePolicy({ [repo]: [accept] });
  world.admission.reload();
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
});

test("a decision at hand ends when the key that it rests on does", async () => {
  const byBob = { [repo]: [signedBy("bob.pub")] };
  await using world = await admissionWorld({ decisionTtl: "10000d" }, byBob, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("bob", `${repo}:v1`, one.digest));
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  world.clock.ms = Date.parse("2026-12-30T00:00:00Z");
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal(world.signatures.reads, 1, "still at hand");
  world.clock.ms = Date.parse("2027-01-03T00:00:00Z");
  const late = await world.byTag(repo, "v1", one);
  assert.equal(late.allowed, false);
  assert.ok(world.signatures.reads > 1);
});

test("a place of signatures that fails means 503, is never taken for unsigned, and is asked again", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  world.signatures.failure = new PlaceError();
  const down = await world.byTag(repo, "v1", one);
  assert.ok(!down.allowed);
  assert.equal(down.status, 503);
  assert.doesNotMatch(down.reason, /sigs\.test|pw/);
  world.signatures.failure = undefined;
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
});
