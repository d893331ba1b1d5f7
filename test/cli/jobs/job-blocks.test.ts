import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { blockableNames } from "../../../src/cli/jobs/blockable-names.ts";
import { openJobBlocks } from "../../../src/cli/jobs/job-blocks.ts";
import { tellBlocks } from "../../../src/cli/jobs/tell-blocks.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { openRedisJobs } from "../../../src/jobs/redis/open.ts";
import { openBlocks } from "../../../src/server/admission/open-blocks.ts";
import { createAllowedHosts } from "../../../src/server/jobs/allowed-hosts.ts";
import type { ServerSettings } from "../../../src/server/settings.ts";
import { skipWithout } from "../../support/peers.ts";
import { startRedis } from "../../support/redis.ts";
import { tempFolder } from "../../support/temp.ts";

const upstream = (name: string, more: object = {}) => ({
  ...{ name, insecure: false, hosts: [], default: false, redirectsTo: [] },
  ...more,
});

test("blockableNames() knows a repository by its own name, through us and as our upstream", () => {
  const settings = {
    name: "registry.example",
    upstreams: [
      upstream("docker.io", { default: true }),
      upstream("hub", { alias: "h", url: "https://mirror.example/cache" }),
      upstream("quay.example", { hosts: ["quay.ours.example"] }),
    ],
    jobs: { serverUrl: "http://127.0.0.1:5000", allowedHosts: [] },
  } as unknown as ServerSettings;
  const names = blockableNames(settings, createAllowedHosts(settings));
  for (const [domain, path, name] of [
    ["ghcr.example", "a/b", "ghcr.example/a/b"],
    ["docker.io", "library/alpine", "docker.io/library/alpine"],
    ["registry-1.docker.io", "library/alpine", "docker.io/library/alpine"],
    ["registry.example", "h/team/app", "hub/team/app"],
    ["Registry.example", "quay.example/team/app", "quay.example/team/app"],
    ["127.0.0.1:5000", "alpine", "docker.io/library/alpine"],
    ["quay.ours.example", "team/app", "quay.example/team/app"],
    ["mirror.example", "cache/team/app", "hub/team/app"],
  ] as const)
    assert.ok(names({ domain, path }).includes(name), `${domain}/${path}`);
  assert.deepEqual(names({ domain: "mirror.example", path: "other/app" }), [
    "mirror.example/other/app",
  ]);
});

test("workers hear by Redis what servers have blocked, and what is lifted", {
  skip: skipWithout("redis-server"),
}, async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  const report = () => {};
  await using jobs = await openRedisJobs(redis.url, { now: Date.now });
  const { told } = jobs;
  const parts = { settings: { data: folder.path }, told, report, now: Date.now };
  await using heard = await openJobBlocks(parts);
  await heard.renew();
  using server = openBlocks({ folder: folder.in("admission"), now: Date.now, report });
  const bytes = Buffer.from("bad");
  const digests = (["sha256", "sha384", "sha512"] as const).map((each) => digestOf(bytes, each));
  const [digest = digestOf(bytes)] = digests;
  await using opened = new AsyncDisposableStack();
  await tellBlocks({ told, server: "a", blocks: server.blocks, report }, opened);
  await heard.renew();
  assert.equal(heard.find("x.example/a", digest), undefined);
  const changes = new EventTarget();
  heard.onChange(() => changes.dispatchEvent(new Event("change")));
  const change = async (work: () => void) => {
    const changed = once(changes, "change");
    work();
    await changed;
  };
  server.blocks.learn(digests);
  await change(() => server.blocks.add({ digest, reason: "bad" }));
  for (const name of digests) assert.equal(heard.find("x.example/a", name)?.reason, "bad");
  await change(() => server.blocks.add({ repository: "x.example/**", reason: "moved" }));
  assert.equal(heard.ofRepository("x.example/b")?.reason, "moved");
  await change(() => server.blocks.remove({ digest }));
  await change(() => server.blocks.remove({ repository: "x.example/**" }));
  assert.equal(heard.find("x.example/a", digest), undefined);

  // an index in an index, one of whose instances is another's, too
  const [outer, inner, other, own, shared] = ["outer", "inner", "other", "own", "shared"].map(
    (text) => digestOf(Buffer.from(text)),
  ) as [Digest, Digest, Digest, Digest, Digest];
  const remember = (repository: string, index: Digest, names: readonly Digest[]) =>
    server.known.remember(repository, index, "image", () => ({
      ...{ signed: index, type: "index", names },
    }));
  remember("x.example/a", outer, [inner, shared]);
  remember("x.example/a", inner, [own]);
  remember("x.example/a", other, [shared]);
  remember("x.example/b", outer, [inner, shared]);
  remember("x.example/c", inner, [own]);
  await change(() => server.blocks.add({ digest: outer, reason: "bad index" }));
  const reasonOf = (repository: string, of: Digest) => heard.find(repository, of)?.reason;
  for (const [repository, of] of [
    ["x.example/a", inner],
    ["x.example/a", own],
    ["x.example/b", shared],
  ] as const)
    assert.equal(reasonOf(repository, of), "bad index", `${repository}@${of}`);
  for (const [repository, of] of [
    ["x.example/a", shared],
    ["x.example/c", own],
  ] as const)
    assert.equal(reasonOf(repository, of), undefined, `${repository}@${of}`);
});
