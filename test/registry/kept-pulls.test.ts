import assert from "node:assert/strict";
import { test } from "node:test";
import { createHostBudget } from "../../src/registry/host-budget.ts";
import { makeImage } from "../support/images.ts";
import { refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type FastClock, fastClock, testHost } from "./support.ts";

const { signal } = new AbortController();
const limit = 100;
const windowSeconds = 21_600;
const oneMs = (windowSeconds * 1000) / limit;

/** Tells of `left` pulls, less those done, and more with time, as Docker Hub does. `least` is the least told. */
function countPulls(registry: Registry, left: number, clock: FastClock) {
  const begun = clock.now();
  const counted = { least: left };
  const plain = registry.features;
  registry.features = {
    ...plain,
    get extraHeaders() {
      const back = Math.floor((clock.now() - begun) / oneMs);
      const remaining = Math.min(limit, left + back - registry.log.of("GET manifest").length);
      counted.least = Math.min(counted.least, remaining);
      return {
        "ratelimit-limit": `${limit};w=${windowSeconds}`,
        "ratelimit-remaining": `${remaining};w=${windowSeconds}`,
      };
    },
  };
  return counted;
}

test("RegistryHost leaves the pulls that are kept, however many manifests are read at once", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  const clock = fastClock();
  const counted = countPulls(registry, 20, clock);
  await using client = testHost(registry.host, { clock, limits: { keptPulls: 10, slots: 16 } });
  const repository = client.host.repository("app", "read");
  const reading = Array.from({ length: 30 }, () => repository.readManifest("v1", { signal }));
  await Promise.all(reading);
  assert.equal(registry.log.of("GET manifest").length, 30);
  assert.equal(counted.least, 10);
  const held = client.events.filter((event) => event.type === "held");
  assert.ok(held.length >= 1 && held.length <= 20, `told ${held.length} times`); // and not by each that waits
  assert.deepEqual(
    [...new Set(held.map(({ delayMs, pullsLeft }) => `${delayMs} ${pullsLeft}`))],
    [`${oneMs} 10`],
  );
});

test("RegistryHost reads one manifest to learn of a limit, and then all where there is none", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  await using client = testHost(registry.host, { limits: { keptPulls: 10 } });
  const repository = client.host.repository("app", "read");
  await Promise.all(Array.from({ length: 9 }, () => repository.readManifest("v1", { signal })));
  assert.equal(registry.log.of("GET manifest").length, 9);
  assert.equal(client.events.filter(({ type }) => type === "held").length, 0);
});

test("RegistryHost lets the next go ahead where the one that did failed, or gave up", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  const clock = fastClock();
  countPulls(registry, 10, clock);
  registry.behave({ on: "GET manifest", times: 1, fault: refuse(404) });
  await using client = testHost(registry.host, { clock, limits: { keptPulls: 10 } });
  const repository = client.host.repository("app", "read");
  await repository.headManifest("v1", { signal });
  const stop = new AbortController();
  const given = repository.readManifest("v1", { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await assert.rejects(repository.readManifest("v1", { signal }), { code: "registry.not-found" });
  await repository.readManifest("v1", { signal });
});

test("RegistryHost heeds what another client of the host was told", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  const clock = fastClock();
  const budget = createHostBudget({}, clock);
  const counted = countPulls(registry, 11, clock);
  const options = { clock, budget, limits: { keptPulls: 10 } };
  await using one = testHost(registry.host, options);
  await using two = testHost(registry.host, options);
  await one.host.repository("app", "read").readManifest("v1", { signal });
  await two.host.repository("app", "read").readManifest("v1", { signal });
  assert.equal(counted.least, 10);
  assert.equal(two.events.filter(({ type }) => type === "held").length, 1);
});
