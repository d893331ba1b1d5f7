import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../../src/core/digest.ts";
import { assertHolds } from "../../registry/support.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import type { Exchange } from "../../support/registry/exchange.ts";
import { refuse, reset } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { pushImage, pushManifests } from "./pushing.ts";
import {
  byDigest,
  byTag,
  readBlob,
  repositoryOf,
  startUpstreams,
  type TestUpstreams,
  testCall,
} from "./support.ts";

const back = { push: "write-back" } as const;
const image = makeImage({ layers: 2, layerBytes: 50_000 });
const second = makeImage({ seed: 2, layers: 1 });

/** Waits until nothing waits. */
async function passedOn({ upstreams }: TestUpstreams): Promise<void> {
  for (let turn = 0; turn < 3000; turn++) {
    if (upstreams.waitingPushes().length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(JSON.stringify(upstreams.waitingPushes()));
}

/** Waits until all that wait are like this. */
async function settled(
  { upstreams }: TestUpstreams,
  like: (push: ReturnType<TestUpstreams["upstreams"]["waitingPushes"]>[number]) => boolean,
): Promise<void> {
  for (let turn = 0; turn < 3000; turn++) {
    if (upstreams.waitingPushes().every(like)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(JSON.stringify(upstreams.waitingPushes()));
}

test("what is pushed is acknowledged without the upstream, and passed on in order when it is there", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, back);
  const { upstreams } = world;
  await pushImage(upstreams, repositoryOf(), image);
  await passedOn(world);
  assertHolds(registry, "app", image);
  registry.behave({ times: 10_000, fault: reset() });
  await pushImage(upstreams, repositoryOf(), second);
  await pushManifests(upstreams, repositoryOf(), image, "old");
  const waiting = upstreams.waitingPushes();
  assert.deepEqual(
    waiting.map(({ repository, digest, tags }) => [repository, digest, ...tags]),
    [
      ["hub.example/app", second.digest, "v1"],
      ["hub.example/app", image.digest, "old"],
    ],
  );
  world.pass(100_000);
  const read = () => upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
  assert.equal((await read())?.digest, second.digest, "ours counts until it is there");
  assert.equal((await read())?.stale, undefined);
  registry.behaveWell();
  registry.log.clear();
  await passedOn(world);
  assertHolds(registry, "app", second);
  const order = registry.log.of("PUT manifest").map(({ path }) => path.split("/").at(-1));
  assert.deepEqual(order, ["v1", "old"]);
  const templates = registry.log.trace();
  assert.ok(templates.lastIndexOf("PUT upload") < templates.indexOf("PUT manifest"));
  world.pass(100_000);
  registry.seed("app", "v1", image);
  assert.equal((await read())?.digest, image.digest, "and then the upstream's");
});

test("whoever asks so as to push is told that a manifest is not there, where the upstream cannot be asked", async () => {
  for (const push of ["write-back", "local-only", "write-through"] as const) {
    await using registry = await startRegistry();
    registry.seed("app", "v1", image);
    await using world = await startUpstreams(registry.origin, { push });
    const read = (tag: string, isForPushing: boolean) =>
      world.upstreams.readManifest(repositoryOf(), byTag(tag), { ...testCall(), isForPushing });
    assert.equal((await read("v1", true))?.digest, image.digest);
    registry.behave({ times: 10_000, fault: reset() });
    for (const turn of ["at first", "while it is let rest"]) {
      await assert.rejects(read("v2", false), { status: 502 }, turn);
      if (push === "write-through") await assert.rejects(read("v2", true), { status: 502 });
      else assert.equal(await read("v2", true), undefined, turn);
    }
    const call = { ...testCall(), isForPushing: true };
    const unknown = world.upstreams.readManifest(repositoryOf(), byDigest(second.digest), call);
    if (push === "write-through") await assert.rejects(unknown, { status: 502 });
    else assert.equal(await unknown, undefined);
    world.pass(100_000);
    assert.equal((await read("v1", true))?.digest, image.digest, "a copy stands in");
  }
});

test("what waits survives the process, whatever else is lost", async () => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  await using world = await startUpstreams(registry.origin, back, { folder });
  const multi = makeMultiArch();
  const fault = registry.behave({ times: 10_000, fault: refuse(503) });
  await pushImage(world.upstreams, repositoryOf(), multi);
  assert.equal(world.upstreams.waitingPushes().length, 4);
  fault.stop();
  world.pass(600_000);
  await world.restart();
  await passedOn(world);
  assert.equal(registry.store.repositories.get("app")?.tags.get("v1"), multi.digest);
});

test("a push that the upstream refuses is kept and told of, and holds nothing up", async () => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  await using world = await startUpstreams(registry.origin, back, { folder });
  const third = makeImage({ seed: 3, layers: 1 });
  const denied = refuse(403, { code: "DENIED" });
  const fault = registry.behave({ on: "PUT manifest", times: 2, fault: denied });
  await pushImage(world.upstreams, repositoryOf(), image, { tag: "refused" });
  await pushImage(world.upstreams, repositoryOf(), second, { tag: "moved" });
  await settled(world, (push) => push.refused);
  await pushImage(world.upstreams, repositoryOf(), third, { tag: "moved" });
  await settled(world, (push) => push.refused && !push.tags.includes("moved"));
  fault.stop();
  const [kept, ...others] = world.upstreams.waitingPushes();
  assert.deepEqual([kept?.digest, kept?.tags, others], [image.digest, ["refused"], []]);
  assert.match(kept?.error ?? "", /hub\.example/);
  const tags = () => registry.store.repositories.get("app")?.tags;
  assert.equal(tags()?.get("moved"), third.digest);
  assert.ok(world.events.some((event) => event.type === "message" && event.level === "error"));
  const held = await world.upstreams.readManifest(repositoryOf(), byTag("refused"), testCall());
  assert.equal(held?.digest, image.digest);
  await world.restart();
  await passedOn(world);
  assert.equal(tags()?.get("refused"), image.digest);
  assert.equal(tags()?.get("moved"), third.digest, "what was refused does not move a tag back");
});

test("a base that only the upstream has need not be fetched to push what is built on it", async () => {
  for (const push of ["write-back", "local-only"] as const) {
    await using registry = await startRegistry();
    registry.seed("app", "base", image);
    await using world = await startUpstreams(registry.origin, { push });
    await pushImage(world.upstreams, repositoryOf(), image, { tag: "built" });
    assert.equal(registry.log.of("GET blob").length, 0);
    const held = await world.upstreams.readManifest(repositoryOf(), byTag("built"), testCall());
    assert.equal(held?.digest, image.digest);
    const missing = makeImage({ seed: 50, layers: 1 });
    await assert.rejects(pushManifests(world.upstreams, repositoryOf(), missing), {
      code: "MANIFEST_BLOB_UNKNOWN",
    });
  }
});

test("what stays here is here, beside what the upstream has", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", second);
  await using world = await startUpstreams(registry.origin, { push: "local-only" });
  const { upstreams } = world;
  await pushImage(upstreams, repositoryOf(), image, { tag: "mine" });
  await pushImage(upstreams, repositoryOf(), image, { tag: "v1" });
  assert.ok(registry.log.entries.every(({ method }) => method === "HEAD" || method === "GET"));
  world.pass(100_000);
  for (const tag of ["mine", "v1"]) {
    const held = await upstreams.readManifest(repositoryOf(), byTag(tag), testCall());
    assert.equal(held?.digest, image.digest);
  }
  registry.seed("app", "v2", second);
  const tags = await upstreams.listTags(repositoryOf(), { limit: 10 }, testCall());
  assert.deepEqual(tags?.names, ["mine", "v1", "v2"]);
  for (const { digest } of image.layers) assert.ok(await readBlob(upstreams, digest));
  assert.equal(await upstreams.deleteManifest(repositoryOf(), byTag("v1"), testCall()), true);
  const v1 = await upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
  assert.equal(v1?.digest, second.digest);
  assert.equal(
    await upstreams.deleteManifest(repositoryOf(), byDigest(image.digest), testCall()),
    true,
  );
  assert.equal(registry.store.repositories.get("app")?.tags.get("v1"), second.digest);
});

test("what was kept here is the upstream's again when the settings say so", async () => {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  {
    await using world = await startUpstreams(registry.origin, { push: "local-only" }, { folder });
    await pushImage(world.upstreams, repositoryOf(), image);
  }
  registry.seed("app", "v1", second);
  await using world = await startUpstreams(registry.origin, {}, { folder });
  for (let count = 0; count < 3; count++) {
    const held = await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
    assert.equal(held?.digest, second.digest);
  }
  assert.equal(registry.log.of("HEAD manifest").length, 1);
});

test("what was deleted is not passed on any more", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, { ...back, deletes: true });
  const { upstreams } = world;
  const fault = registry.behave({ on: /^(POST|PUT|PATCH)/, times: 10_000, fault: refuse(503) });
  await pushImage(upstreams, repositoryOf(), image, { tag: "a" });
  await pushManifests(upstreams, repositoryOf(), image, "b");
  await pushManifests(upstreams, repositoryOf(), image, "c");
  assert.equal(await upstreams.deleteManifest(repositoryOf(), byTag("b"), testCall()), true);
  const waiting = upstreams.waitingPushes().map(({ tags }) => tags);
  assert.deepEqual(waiting, [["a"], ["c"]]);
  assert.equal(
    await upstreams.deleteManifest(repositoryOf(), byDigest(image.digest), testCall()),
    true,
  );
  assert.deepEqual(upstreams.waitingPushes(), []);
  fault.stop();
});

for (const on of ["PUT upload", "PUT manifest"]) {
  test(`what is deleted while it is passed on, at its ${on}, does not come back`, async () => {
    await using registry = await startRegistry();
    await using world = await startUpstreams(registry.origin, { ...back, deletes: true });
    const { upstreams } = world;
    const arrived = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<undefined>();
    const arrive = () => {
      arrived.resolve();
      return goOn.promise;
    };
    registry.behave({ on, times: 1, fault: { arrive } });
    await pushImage(upstreams, repositoryOf(), image);
    await arrived.promise;
    const reference = byDigest(image.digest);
    const deleted = upstreams.deleteManifest(repositoryOf(), reference, testCall());
    // A manifest that is on its way is waited for; blobs may take too long for that.
    if (on === "PUT upload") assert.equal(await deleted, true);
    else await upstreams.listTags(repositoryOf("other"), { limit: 1 }, testCall());
    goOn.resolve(undefined);
    assert.equal(await deleted, true);
    await pushImage(upstreams, repositoryOf(), second, { tag: "v2" });
    await passedOn(world);
    const there = registry.store.repositories.get("app");
    assert.deepEqual([...(there?.tags.keys() ?? [])], ["v2"]);
    assert.equal(await upstreams.readManifest(repositoryOf(), reference, testCall()), undefined);
  });
}

test("a blob that is deleted while it is passed on does not come back", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, { ...back, deletes: true });
  const { upstreams } = world;
  const arrived = Promise.withResolvers<string>();
  const goOn = Promise.withResolvers<undefined>();
  const arrive = ({ request }: Exchange) => {
    const asked = new URL(request.url ?? "", registry.origin).searchParams;
    arrived.resolve(asked.get("digest") ?? "");
    return goOn.promise;
  };
  registry.behave({ on: "PUT upload", times: 1, fault: { arrive } });
  await pushImage(upstreams, repositoryOf(), image);
  const blob = (await arrived.promise) as Digest;
  const digest = byDigest(image.digest);
  assert.equal(await upstreams.deleteManifest(repositoryOf(), digest, testCall()), true);
  const deleted = upstreams.deleteBlob(repositoryOf(), blob, testCall());
  await upstreams.listTags(repositoryOf("other"), { limit: 1 }, testCall());
  goOn.resolve(undefined);
  assert.equal(await deleted, true);
  assert.equal(await upstreams.statBlob(repositoryOf(), blob, testCall()), undefined);
  assert.equal(registry.store.repositories.get("app")?.blobs.has(blob), false);
});
