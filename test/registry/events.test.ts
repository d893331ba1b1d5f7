import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { startQuirk } from "../support/quirks.ts";
import { refuse, setHeaders } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { testHost } from "./support.ts";

const { signal } = new AbortController();

test("RegistryHost reports each distinct warning once", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  registry.behave({ times: 9, fault: setHeaders({ warning: '299 - "deprecated\u009b"' }) });
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "read");
  await repository.headManifest("v1", { signal });
  await repository.readManifest("v1", { signal });
  const warnings = client.events.filter((event) => event.type === "warning");
  assert.deepEqual(
    warnings.map(({ text }) => text),
    ["deprecated\\u009b"],
  );
});

test("RegistryHost reports rate limits, and keeps pulls where told to", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  const limits = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "5;w=21600" };
  registry.features = { ...registry.features, extraHeaders: limits };
  await using client = testHost(registry.host, { limits: { keptPulls: 10 } });
  const repository = client.host.repository("app", "read");
  await repository.readManifest("v1", { signal });
  assert.deepEqual(client.clock.slept, []);
  await repository.headManifest("v1", { signal });
  await repository.readManifest("v1", { signal });
  assert.deepEqual(client.clock.slept, [216_000]);
  assert.ok(
    client.events.some((event) => event.type === "rate-limit" && event.rateLimit.remaining === 5),
  );
});

test("RegistryHost waits as long as a host asks, all requests together, and reports it", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  registry.behave({ fault: refuse(429, { retryAfter: 30 }) });
  await using client = testHost(registry.host);
  await client.host.repository("app", "read").readManifest("v1", { signal });
  const waited = client.clock.slept.reduce((sum, ms) => sum + ms, 0);
  assert.ok(waited >= 30_000 && waited < 31_000, `${waited} ms`);
  assert.deepEqual(
    client.events.map(({ type }) => type),
    ["answered", "paused", "retrying", "answered"],
  );
});

test("RegistryHost reports requests without secrets", async () => {
  await using quirk = await startQuirk("dockerHub");
  quirk.registry.seed("app", "v1", makeImage());
  await using client = testHost(quirk.registry.host, {
    credentials: { username: "ann", password: "secret" },
  });
  await client.host.repository("app", "read").readManifest("v1", { signal });
  assert.ok(client.events.length >= 3);
  assert.ok(!JSON.stringify(client.events).includes("secret"));
});
