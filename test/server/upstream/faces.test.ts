import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { routeRepository } from "../../../src/server/upstream/route.ts";
import type { Backend } from "../../../src/server/v2/backend.ts";
import { makeImage } from "../../support/images.ts";
import { refuse } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { call } from "../../support/server/client.ts";
import { asUser, smallAccess } from "../../support/server/small-parts.ts";
import { startV2Server } from "../../support/server/v2-server.ts";
import { hub, startUpstreams } from "./support.ts";

const image = makeImage({ layers: 1, layerBytes: 100_000 });
const upstreams = [{ name: hub, alias: "hub", hosts: [], default: true }];
const route = (asked: Parameters<typeof routeRepository>[1]) =>
  routeRepository({ own: "registry.example", upstreams }, asked);

test("proxies that have each other as their upstream answer in the end, blobs and tags alike", async () => {
  let backends: readonly [Backend, Backend] | undefined;
  const backendOf = (index: 0 | 1) => () => {
    assert.ok(backends);
    return backends[index];
  };
  await using one = await startV2Server({ route, backendOf: backendOf(0) });
  await using two = await startV2Server({ route, backendOf: backendOf(1) });
  await using first = await startUpstreams(two.origin);
  await using second = await startUpstreams(one.origin);
  backends = [first.upstreams, second.upstreams];
  for (const path of [
    "manifests/v1",
    `manifests/${image.digest}`,
    `blobs/${image.digest}`,
    "tags/list",
  ]) {
    const response = await fetch(`${one.origin}/v2/app/${path}`);
    assert.equal(response.status, 508, path);
    await response.arrayBuffer();
  }
});

test("a client is told what is stale, by whichever name it asks", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", image);
  await using world = await startUpstreams(registry.origin);
  await using server = await startV2Server({ route, backendOf: () => world.upstreams });
  const names = ["/v2/app", "/v2/hub/app", `/v2/${hub}/app`, "/hub/v2/app"];
  for (const name of names) {
    const response = await fetch(`${server.origin}${name}/manifests/v1`);
    assert.equal(response.headers.get("docker-content-digest"), image.digest, name);
    assert.equal(response.headers.get("warning"), null);
    await response.arrayBuffer();
  }
  assert.equal(registry.log.entries.length, 1);
  world.pass(100_000);
  registry.behave({ times: 100, fault: refuse(500) });
  const stale = await fetch(`${server.origin}/v2/app/manifests/v1?ns=${hub}`);
  assert.equal(stale.status, 200);
  assert.match(stale.headers.get("warning") ?? "", /^299 - "stale: upstream hub\.example/);
  assert.ok(Number(stale.headers.get("age")) >= 100);
  await stale.arrayBuffer();
  const refused = await fetch(`${server.origin}/v2/app/manifests/v1?ns=evil.example`);
  assert.equal(refused.status, 403);
  await refused.arrayBuffer();
});

test("a blob is mounted from whichever repository of its registry the caller may pull from", async () => {
  await using registry = await startRegistry();
  await using world = await startUpstreams(registry.origin, { push: "write-through" });
  const backendOf = () => world.upstreams;
  const access = smallAccess({
    all: { "*": ["pull", "push"] },
    some: { app: ["pull", "push"] },
  });
  await using server = await startV2Server({ route, backendOf, access });
  const begin = (path: string, user: string, body = "") =>
    call(server.origin, "POST", `/v2/${path}`, { body, headers: asUser(user) });
  const digest = digestOf(Buffer.from("base"));
  const pushed = await begin(`base/blobs/uploads/?digest=${digest}`, "all", "base");
  assert.equal(pushed.status, 201);
  const mount = `app/blobs/uploads/?mount=${digest}`;
  assert.equal((await begin(mount, "some")).status, 202);
  assert.equal(registry.store.repositories.get("app")?.blobs.has(digest) ?? false, false);
  assert.equal((await begin(mount, "all")).status, 201);
  assert.equal(registry.store.repositories.get("app")?.blobs.has(digest), true);
});
