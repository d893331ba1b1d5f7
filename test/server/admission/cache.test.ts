import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import {
  aCall,
  accept,
  admissionWorld,
  cosigned,
  cosignKey,
  image,
  index,
  people,
  repositoryOf,
  signedBy,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann, "bob.pub": folk.keys.bob };
const byAnn = { [repo]: [signedBy("ann.pub")] };

test("those who ask at once are answered by one judgement, and one who leaves takes nobody along", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  const hold = Promise.withResolvers<void>();
  world.signatures.held = hold.promise;
  const leaving = new AbortController();
  const first = world.admission.admitManifest(
    repositoryOf(repo),
    { type: "tag", tag: "v1" },
    one,
    aCall(leaving.signal),
  );
  const others = Array.from({ length: 20 }, () => world.byTag(repo, "v1", one));
  leaving.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  hold.resolve();
  const decisions = await Promise.all(others);
  assert.ok(decisions.every(({ allowed }) => allowed));
  assert.equal(new Set(decisions.map(({ id }) => id)).size, 1);
  assert.equal(world.signatures.reads, 1);
});

test("a failure is told to all who wait and kept for nobody", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  world.signatures.failure = new TypeError("a bug");
  const decisions = await Promise.all([world.byTag(repo, "v1", one), world.byTag(repo, "v1", one)]);
  assert.ok(decisions.every((decision) => !decision.allowed && decision.status === 503));
  assert.ok(world.events.some((event) => event.type === "message" && event.level === "error"));
  world.signatures.failure = undefined;
  const again = await world.byTag(repo, "v1", one);
  assert.ok(!again.allowed && again.status === 403);
});

test("a signature that comes or goes decides at once", async () => {
  await using world = await admissionWorld({ decisionTtl: "1h", refusalTtl: "1h" }, byAnn, keys);
  const one = image("one");
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  world.signatures.clear(repo, one.digest);
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
});

test("of an index, each instance's signatures count", async () => {
  await using world = await admissionWorld({ decisionTtl: "1h" }, byAnn, keys);
  const [one, two] = [image("one"), image("two")];
  for (const { digest } of [one, two])
    world.signatures.put(repo, digest, folk.sign("ann", `${repo}:v1`, digest));
  const both = index([one, two]);
  assert.equal((await world.byTag(repo, "v1", both)).allowed, true);
  assert.equal((await world.byTag(repo, "v1", both)).allowed, true);
  assert.equal(world.signatures.reads, 2);
  world.signatures.clear(repo, two.digest);
  assert.equal((await world.byTag(repo, "v1", both)).allowed, false);
});

test("what is at hand ends with its time", async () => {
  await using world = await admissionWorld({ decisionTtl: "60s", refusalTtl: "5s" }, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  const ask = () => world.byTag(repo, "v1", one);
  const first = await ask();
  world.clock.ms += 59_999;
  assert.equal((await ask()).id, first.id);
  world.clock.ms += 1;
  assert.notEqual((await ask()).id, first.id);
});

test("a key file that changes decides anew, a missing one refuses without telling where", async () => {
  await using world = await admissionWorld({ decisionTtl: "1h", refusalTtl: "1h" }, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  await writeFile(world.in("ann.pub"), folk.keys.bob);
  world.admission.reload();
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  await world.writePolicy({ [repo]: [signedBy("gone.pub")] });
  world.admission.reload();
  const missing = await world.byTag(repo, "v1", one);
  assert.ok(!missing.allowed);
  assert.equal(missing.reason, "policy: open [file]: no such file or directory");
});

test("sigstore's signatures are judged as well, cosign's key in the policy", async () => {
  const cosign = {
    type: "sigstoreSigned",
    keyPath: "cosign.pub",
    signedIdentity: { type: "matchRepository" },
  };
  await using world = await admissionWorld(
    {},
    { [repo]: [cosign] },
    { "cosign.pub": Buffer.from(cosignKey.pem) },
  );
  const [one, two] = [image("one"), image("two")];
  world.signatures.put(repo, one.digest, cosigned(repo, one.digest));
  world.signatures.put(repo, two.digest, cosigned("docker.io/library/other", two.digest));
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal((await world.byTag(repo, "v1", two)).allowed, false);
});

test("a policy that changes while it decides is not answered by", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  const hold = Promise.withResolvers<void>();
  world.signatures.held = hold.promise;
  const asked = world.byTag(repo, "v1", one);
  await world.writePolicy({ [repo]: [signedBy("bob.pub")] });
  world.admission.reload();
  hold.resolve();
  assert.equal((await asked).allowed, false);
});

test("an image that was admitted under a tag may be fetched by digest, where its name was signed exactly", async () => {
  const exact = { [repo]: [signedBy("ann.pub", "matchExact")] };
  const [one, two] = [image("one"), image("two")];
  for (const instances of ["all", "lazy"]) {
    await using world = await admissionWorld(
      { scopes: [{ repositories: ["**"], instances }] },
      exact,
      keys,
    );
    for (const { digest } of [one, two])
      world.signatures.put(repo, digest, folk.sign("ann", `${repo}:v1`, digest));
    assert.equal((await world.byDigest(repo, one)).allowed, false, "nobody has asked for the tag");
    await world.byTag(repo, "v1", index([one, two]));
    assert.equal((await world.byDigest(repo, one)).allowed, instances === "all");
    world.signatures.clear(repo, one.digest);
    assert.equal((await world.byDigest(repo, one)).allowed, false);
  }
});

test("a decision at hand costs no I/O and next to nothing", async () => {
  await using world = await admissionWorld({ decisionTtl: "1h" }, { [repo]: [accept] }, keys);
  const one = image("one");
  await world.byTag(repo, "v1", one);
  const before = process.cpuUsage();
  for (let round = 0; round < 1000; round++) await world.byTag(repo, "v1", one);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1_000_000, `${user + system} µs for 1000`);
});

test("a place of signatures that never answers is waited for no longer than judging may take", async () => {
  await using world = await admissionWorld({ judgeWithin: "20ms" }, byAnn, keys);
  world.signatures.held = new Promise(() => {});
  const decision = await world.byTag(repo, "v1", image("one"));
  assert.ok(!decision.allowed);
  assert.deepEqual([decision.status, decision.tagOnly], [503, true]);
});

test("under audit everything passes, is told of, and is explained", async () => {
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], mode: "audit" }] },
    byAnn,
    keys,
  );
  const { id, allowed } = await world.byTag(repo, "v1", image("one"));
  assert.equal(allowed, true);
  assert.equal(world.admission.decisions.get(id ?? "")?.outcome, "refused");
  assert.ok(world.events.some((event) => event.type === "message" && event.level === "warn"));
});
