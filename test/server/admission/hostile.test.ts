import assert from "node:assert/strict";
import { after, test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { formatImageReference } from "../../../src/core/image-reference.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { printable } from "../../../src/registry/printable.ts";
import { servedImage } from "../../../src/server/admission/served-image.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import {
  accept,
  admissionWorld,
  image,
  index,
  people,
  reject,
  signedBy,
  someDigest,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann };
const byAnn = { [repo]: [signedBy("ann.pub")] };

test("a reason is one short printable line, whatever signatures claim", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const claims = [
    "evil\u001b[2J\u202e:v1",
    "a\nb:v1",
    "x".repeat(5000),
    "🦀".repeat(400),
    "/etc/shadow:1",
  ];
  for (const [number, claim] of claims.entries()) {
    const one = image(`${number}`);
    world.signatures.put(repo, one.digest, folk.sign("ann", claim, one.digest));
    const refused = await world.byTag(repo, "v1", one);
    assert.ok(!refused.allowed);
    assert.match(refused.reason, /^policy: /);
    assert.ok(refused.reason.length <= 512);
    assert.equal(printable(refused.reason), refused.reason);
    assert.ok(refused.reason.isWellFormed());
    assert.doesNotMatch(refused.reason, /\/etc\/shadow/);
  }
});

test("what only looks like a manifest is refused, and fails nothing", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const documents = [
    {
      schemaVersion: 2,
      manifests: [{ mediaType: mediaTypes.ociManifest, digest: "sha256:zz", size: 1 }],
    },
    { schemaVersion: 2, manifests: [{ digest: someDigest("x"), size: -1 }] },
    { schemaVersion: 2, manifests: 7 },
  ];
  for (const document of documents) {
    const bytes = Buffer.from(JSON.stringify(document));
    const manifest = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), bytes };
    const decision = await world.byTag(repo, "v1", manifest);
    assert.ok(!decision.allowed && decision.status === 403);
  }
});

test("an index of very many images is refused before signatures are looked for", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const many = Array.from({ length: 501 }, (_, number) => ({
    mediaType: mediaTypes.ociManifest,
    digest: someDigest(`${number}`),
    size: 1,
  }));
  const decision = await world.byTag(repo, "v1", index(many));
  assert.ok(!decision.allowed && decision.status === 403);
  assert.match(decision.reason, /more than 500 images/);
  assert.equal(world.signatures.reads, 0);
  const same = index(Array.from({ length: 2000 }, () => many[0] ?? {}));
  assert.match(await reasonOf(world.byTag(repo, "v1", same)), /A signature was required/);
  assert.equal(world.signatures.reads, 2, "one for the tag, one for the digest");
});

test("indexes in indexes are looked through, and one that is not there is judged by its digest", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const [one, two] = [image("one"), image("two")];
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v1`, one.digest));
  const inner = world.keep(repo, index([one]));
  assert.equal((await world.byTag(repo, "v1", index([inner]))).allowed, true);
  const bad = world.keep(repo, index([one, two]));
  assert.equal((await world.byTag(repo, "v1", index([inner, bad]))).allowed, false);
  assert.equal(
    (await world.byTag(repo, "v1", index([index([one], { annotations: {} })]))).allowed,
    false,
  );
  let deep = world.keep(repo, index([one]));
  for (let depth = 0; depth < 5; depth++) deep = world.keep(repo, index([deep]));
  assert.equal((await world.byTag(repo, "v1", deep)).allowed, false);
  const empty = world.keep(repo, index([]));
  assert.equal((await world.byTag(repo, "v1", index([empty]))).allowed, false);
  assert.equal((await world.byTag(repo, "v1", index([inner, empty]))).allowed, false);
});

test("an index of nothing is an image to the policy, and one of a name that is rejected never leaves", async () => {
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], instances: "lazy" }] },
    { ...byAnn, "docker.io/library/no": [reject] },
    keys,
  );
  assert.equal((await world.byTag(repo, "v1", index([]))).allowed, false);
  assert.equal(
    (await world.byTag("docker.io/library/no", "v1", index([image("one")]))).allowed,
    false,
  );
});

test("an older index may not be slipped under a tag: its images were signed for another", async () => {
  await using world = await admissionWorld({}, byAnn, keys);
  const [old, current] = [image("old"), image("new")];
  world.signatures.put(repo, old.digest, folk.sign("ann", `${repo}:v1`, old.digest));
  world.signatures.put(repo, current.digest, folk.sign("ann", `${repo}:v2`, current.digest));
  assert.equal((await world.byTag(repo, "v2", index([current]))).allowed, true);
  const slipped = await world.byTag(repo, "v2", index([old]));
  assert.ok(!slipped.allowed);
  assert.ok(slipped.tagOnly);
  // A tag that is swapped while it is judged: what is decided on is what was handed in, and nothing is read by the tag.
  const hold = Promise.withResolvers<void>();
  world.signatures.held = hold.promise;
  const asked = world.byTag(repo, "v3", image("swapped"));
  hold.resolve();
  assert.equal((await asked).allowed, false);
  assert.ok(world.manifestReads.every((read) => read.startsWith("sha256:")));
});

test("names cannot be spelled around a scope", async () => {
  await using world = await admissionWorld(
    {},
    { "docker.io": [accept], "docker.io/library": [reject], registry: [accept] },
    keys,
  );
  const one = image("one");
  assert.equal((await world.byTag("docker.io/team/app", "v1", one)).allowed, true);
  for (const name of [
    "docker.io/app",
    "index.docker.io/app",
    "index.docker.io/library/app",
    "Docker.io/app",
  ])
    assert.equal((await world.byTag(name, "v1", one)).allowed, false, name);
  // A server that is called `registry` is no path of Docker Hub.
  assert.equal((await world.byTag("registry/library/app", "v1", one)).allowed, true);
});

test("images may be judged by the name that the client uses", async () => {
  const settings = { scopes: [{ repositories: ["**"], identity: "client" }] };
  await using world = await admissionWorld(
    settings,
    { "localhost:5000/library": [signedBy("ann.pub")] },
    keys,
  );
  const one = image("one");
  world.signatures.put(
    repo,
    one.digest,
    folk.sign("ann", "localhost:5000/library/app:v1", one.digest),
  );
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal((await world.byTag("docker.io/other/app", "v1", one)).allowed, false);
});

test("what clients call it is an upstream's own name where the path alone is not its", () => {
  const nameOf = (repository: ServedRepository, isPlain: boolean) => {
    const choice = { identity: "client", serverName: "here.test", isPlain: () => isPlain } as const;
    return formatImageReference(servedImage(repository, { type: "tag", tag: "1" }, choice));
  };
  const theirs = { domain: "up.test", path: "app", requested: "app", upstream: "up.test" };
  const ours = {
    domain: "here.test",
    path: "app",
    requested: "here.test/app",
    upstream: undefined,
  };
  assert.equal(nameOf({ ...theirs, requested: "up/app" }, true), "docker://here.test/up/app:1");
  assert.equal(nameOf(theirs, false), "docker://up.test/app:1");
  assert.equal(nameOf(ours, true), "docker://here.test/app:1");
});

async function reasonOf(asked: Promise<{ readonly allowed: boolean; readonly reason?: string }>) {
  const decision = await asked;
  assert.equal(decision.allowed, false);
  return decision.reason ?? "";
}
