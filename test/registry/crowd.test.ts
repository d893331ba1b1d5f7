import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { pool } from "../../src/stream/pool.ts";
import { cutResponse, dropRequest, refuse } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { collected, streamOf, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();
const blobs = Array.from({ length: 20 }, (_, index) => testBlob(200_000, index + 1));

/** Where every request is tried again and again. */
const few = blobs.slice(0, 8);

test("Repository moves many blobs at once though all downloads break", {
  timeout: 300_000,
}, async () => {
  await using registry = await startRegistry();
  const there = {
    blobs: new Map(blobs.map((blob) => [blob.descriptor.digest, blob.bytes])),
    manifests: [],
  };
  registry.seed("app", undefined, there);
  registry.behave({ on: "GET blob", times: 20, fault: cutResponse(70_000) });
  registry.behave({ on: "PUT upload", times: 10, fault: dropRequest(100_000) });
  await using both = testHost(registry.host, { limits: { slots: 3 } });
  const reading = both.host.repository("app", "read");
  const writing = both.host.repository("copy", "write");
  await pool(blobs, 20, signal, async ({ descriptor }, either) => {
    await using stream = await reading.openBlob(descriptor, { signal: either });
    await writing.writeBlob(stream, { signal: either });
  });
  assert.equal(registry.store.repositories.get("copy")?.blobs.size, blobs.length);
});

test("Repository waits once where many requests are told to slow down", {
  timeout: 300_000,
}, async () => {
  await using registry = await startRegistry();
  registry.behave({ on: "POST uploads", nth: 3, times: 6, fault: refuse(429, { retryAfter: 20 }) });
  await using both = testHost(registry.host);
  const writing = both.host.repository("copy", "write");
  await pool(blobs, 20, signal, async ({ bytes, descriptor }, either) => {
    await using stream = streamOf(bytes, descriptor);
    await writing.writeBlob(stream, { signal: either });
  });
  assert.equal(registry.store.repositories.get("copy")?.blobs.size, blobs.length);
  const requests = registry.log.entries.length;
  assert.ok(requests <= 2 * blobs.length + 6, `${requests} requests`);
});

test("Repository fails all requests, and hangs none, where a host always fails", {
  timeout: 300_000,
}, async () => {
  for (const status of [429, 503, 500, 403]) {
    await using registry = await startRegistry();
    registry.behave({ times: 10_000, fault: refuse(status) });
    await using both = testHost(registry.host, { limits: { slots: 2 }, connections: 2 });
    const reading = both.host.repository("app", "read");
    const all = await Promise.allSettled(
      few.flatMap(({ descriptor }) => [
        reading.readManifest("v1", { signal }),
        reading.openBlob(descriptor, { signal }).then(collected),
        reading.headManifest("v1", { signal }),
      ]),
    );
    assert.ok(all.filter((one) => one.status === "rejected").length >= 2 * few.length);
  }
});

test("Repository fails all requests, and hangs none, where no registry is", {
  timeout: 300_000,
}, async () => {
  const server = createServer((_request, response) => {
    response.writeHead(503).end("x".repeat(100_000));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using both = testHost(host, { limits: { slots: 2 }, connections: 2 });
  const reading = both.host.repository("app", "read");
  const all = await Promise.allSettled(blobs.map(() => reading.readManifest("v1", { signal })));
  assert.ok(all.every((one) => one.status === "rejected" && /^pinging/.test(one.reason.message)));
  server.closeAllConnections();
  server.close();
});

test("Repository lets go of all waiting requests when called off", {
  timeout: 300_000,
}, async () => {
  await using registry = await startRegistry();
  registry.behave({ on: "GET blob", times: 100, fault: { arrive: () => new Promise(() => {}) } });
  await using both = testHost(registry.host, { limits: { slots: 2 } });
  const reading = both.host.repository("app", "read");
  const stop = new AbortController();
  const all = blobs.map(({ descriptor }) => reading.openBlob(descriptor, { signal: stop.signal }));
  setTimeout(() => stop.abort(new Error("enough")), 100);
  for (const { status, ...rest } of await Promise.allSettled(all)) {
    assert.equal(status, "rejected");
    assert.match(String("reason" in rest && rest.reason), /enough/);
  }
});
