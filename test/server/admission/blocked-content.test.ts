import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { referrersTag } from "../../../src/registry/referrers-tag.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { reset } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { type CallOptions, call } from "../../support/server/client.ts";
import { type Served, startServed } from "../../support/server/served.ts";

const yaml = `
name: registry.example
access:
  rules: [{ users: [anonymous], repositories: ["**"], actions: ["*"] }]
`;

interface World extends AsyncDisposable {
  readonly served: Served;
  ask(method: string, path: string, options?: CallOptions): Promise<number>;
  push(repository: string, image: TestImage, as?: string): Promise<void>;
  block(what: { readonly digest: Digest } | { readonly repository: string }): Promise<void>;
}

async function startWorld(more = ""): Promise<World> {
  const served = await startServed({ yaml: yaml + more });
  const ask = async (method: string, path: string, options?: CallOptions) =>
    (await call(served.url, method, path, options)).status;
  return {
    served,
    ask,
    async push(repository, { blobs, bytes, mediaType }, as = "v1") {
      for (const [digest, body] of blobs)
        await ask("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body });
      const headers = { "Content-Type": mediaType };
      const path = `/v2/${repository}/manifests/${as}`;
      assert.equal(await ask("PUT", path, { headers, body: bytes }), 201);
    },
    async block(what) {
      const body = JSON.stringify({ ...what, reason: "bad" });
      const headers = { "Content-Type": "application/json" };
      assert.equal(await ask("POST", "/api/v1/blocked", { headers, body }), 201);
    },
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

const layerOf = ({ layers: [layer] }: TestImage) => layer?.digest as Digest;

test("what nobody has asked for yet is blocked with its image, also after that is deleted", async () => {
  await using world = await startWorld();
  const image = makeImage({ seed: 1, layers: 1 });
  const layer = `/v2/a/blobs/${layerOf(image)}`;
  await world.push("a", image);
  assert.equal(await world.ask("GET", layer), 200);
  await world.block({ digest: image.digest });
  assert.equal(await world.ask("GET", layer), 403);
  assert.equal(await world.ask("GET", "/v2/a/manifests/v1"), 403);
  assert.equal(await world.ask("DELETE", `/v2/a/manifests/${image.digest}`), 202);
  assert.equal(await world.ask("GET", layer), 403);
});

test("a blob that may not leave its repository is not mounted from it, named or not", async () => {
  await using world = await startWorld();
  const image = makeImage({ seed: 2, layers: 1 });
  await world.push("closed/app", image);
  const mount = `/v2/open/blobs/uploads/?mount=${layerOf(image)}`;
  await world.block({ repository: "registry.example/closed/**" });
  assert.equal(await world.ask("POST", `${mount}&from=closed/app`), 202);
  assert.equal(await world.ask("POST", mount), 202);
  assert.equal(await world.ask("GET", `/v2/open/blobs/${layerOf(image)}`), 404);
});

test("a block of repositories that would keep nothing in is refused", async () => {
  await using world = await startWorld();
  const block = (repository: string) =>
    world.ask("POST", "/api/v1/blocked", {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ repository, reason: "bad" }),
    });
  for (const repository of ["team/app", "docker.io/library/alpine"])
    assert.equal(await block(repository), 400, repository);
  for (const repository of ["registry.example/team/app", "**/app", "*/team/**"])
    assert.equal(await block(repository), 201, repository);
});

test("a manifest is blocked by whichever digest, and asked for by whichever", async () => {
  await using world = await startWorld();
  for (const algorithm of ["sha256", "sha512"] as const) {
    const image = makeImage({ seed: Number(algorithm.slice(3)), layers: 1 });
    const long = digestOf(image.bytes, "sha512");
    await world.push(algorithm, image);
    await world.push(algorithm, image, long);
    await world.block({ digest: digestOf(image.bytes, algorithm) });
    for (const reference of ["v1", image.digest, long])
      assert.equal(await world.ask("GET", `/v2/${algorithm}/manifests/${reference}`), 403);
  }
});

test("a blob is blocked by whichever digest, and asked for by whichever", async () => {
  await using world = await startWorld();
  const algorithms = ["sha256", "sha384", "sha512"] as const;
  for (const [seed, algorithm] of algorithms.entries()) {
    const image = makeImage({ seed: 10 + seed, layers: 1 });
    const body = image.blobs.get(layerOf(image)) ?? Buffer.of();
    await world.push(algorithm, image);
    const digests = algorithms.map((each) => digestOf(body, each));
    for (const digest of digests)
      await world.ask("POST", `/v2/${algorithm}/blobs/uploads/?digest=${digest}`, { body });
    for (const digest of digests)
      assert.equal(await world.ask("GET", `/v2/${algorithm}/blobs/${digest}`), 200);
    await world.block({ digest: digestOf(body, algorithm) });
    for (const digest of digests)
      assert.equal(await world.ask("GET", `/v2/${algorithm}/blobs/${digest}`), 403, digest);
    assert.equal(await world.ask("GET", `/v2/${algorithm}/manifests/v1`), 403);
  }
});

test("what only a manifest names goes with it by whichever of its digests it is blocked", async () => {
  await using world = await startWorld();
  const image = makeImage({ seed: 20, layers: 1 });
  const long = digestOf(image.bytes, "sha512");
  await world.push("long", image, long);
  await world.block({ digest: image.digest });
  assert.equal(await world.ask("GET", `/v2/long/blobs/${layerOf(image)}`), 403);
  assert.equal(await world.ask("GET", `/v2/long/manifests/${long}`), 403);
});

test("what is blocked before it is here does not leave by any digest", async () => {
  await using world = await startWorld();
  const algorithms = ["sha256", "sha512"] as const;
  for (const [seed, algorithm] of algorithms.entries()) {
    const body = Buffer.from(`content ${seed}`);
    await world.block({ digest: digestOf(body, algorithm) });
    const digests = algorithms.map((each) => digestOf(body, each));
    for (const digest of digests) {
      assert.equal(
        await world.ask("GET", `/v2/a/blobs/${digest}`),
        digest.startsWith(algorithm) ? 403 : 404,
      );
      await world.ask("POST", `/v2/a/blobs/uploads/?digest=${digest}`, { body });
      assert.equal(await world.ask("GET", `/v2/a/blobs/${digest}`), 403, digest);
      assert.equal(await world.ask("HEAD", `/v2/a/blobs/${digest}`), 403, digest);
    }
  }
  const free = Buffer.from("free");
  for (const digest of algorithms.map((each) => digestOf(free, each))) {
    await world.ask("POST", `/v2/a/blobs/uploads/?digest=${digest}`, { body: free });
    assert.equal(await world.ask("GET", `/v2/a/blobs/${digest}`), 200, digest);
    assert.equal(await world.ask("POST", `/v2/b/blobs/uploads/?mount=${digest}&from=a`), 201);
  }
});

test("what is blocked is not passed on to its upstream any more", async () => {
  await using registry = await startRegistry();
  const upstream = `{ name: hub.example, url: "${registry.origin}", push: write-back }`;
  await using world = await startWorld(`upstreams: [${upstream}]`);
  const away = registry.behave({ times: 100_000, fault: reset() });
  const [bad, good] = [makeImage({ seed: 30, layers: 1 }), makeImage({ seed: 31, layers: 1 })];
  await world.push("hub.example/app", bad, "bad");
  await world.block({ digest: layerOf(bad) });
  await world.push("hub.example/app", good, "good");
  away.stop();
  const tags = () => [...(registry.store.repositories.get("app")?.tags.keys() ?? [])];
  for (let turn = 0; turn < 600 && !tags().includes("good"); turn++) await sleep(100);
  assert.deepEqual(tags(), ["good"]);
  assert.equal(registry.store.repositories.get("app")?.blobs.has(layerOf(bad)), false);
});

test("a list of referrers brings along nothing of what it names", async () => {
  await using registry = await startRegistry({ features: { referrers: false } });
  await using world = await startWorld(
    `upstreams: [{ name: hub.example, url: "${registry.origin}" }]`,
  );
  const { digest: subject } = makeImage();
  const { descriptor, bytes } = makeImage({ seed: 2 });
  const entry = { ...descriptor, data: Buffer.from(bytes).toString("base64") };
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const list = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [entry] });
  const manifests = [{ mediaType, bytes: Buffer.from(list) }];
  registry.seed("app", referrersTag(subject), { blobs: new Map(), manifests });
  const at = `/v2/hub.example/app/referrers/${subject}`;
  const told = JSON.parse(String((await call(world.served.url, "GET", at)).body)).manifests;
  assert.deepEqual([told[0]?.digest, told[0]?.data], [descriptor.digest, undefined]);
});
