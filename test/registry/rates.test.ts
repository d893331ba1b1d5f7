import assert from "node:assert/strict";
import { test } from "node:test";
import { createHostBudget, type HostBudget, type Rates } from "../../src/registry/host-budget.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import type { HttpClient } from "../../src/registry/http/contract.ts";
import { Rate } from "../../src/registry/rate.ts";
import { pool } from "../../src/stream/pool.ts";
import { makeImage } from "../support/images.ts";
import { Counted, JumpingClock } from "../support/jumping-clock.ts";
import { cutResponse, dropRequest } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { collected, copyThrough, streamOf, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();

/** A client whose time passes by waiting alone, and what it was given to spend. */
function limited(host: string, rates: Rates, more: Parameters<typeof testHost>[1] = {}) {
  const clock = new JumpingClock();
  const own = createHostBudget(rates, clock);
  const bytes = new Counted(clock);
  const budget: HostBudget = {
    ...own,
    async spend(kind, amount, call) {
      await own.spend(kind, amount, call);
      if (kind === "bytes") bytes.note(amount);
    },
  };
  return { clock, bytes, client: testHost(host, { clock, budget, ...more }) };
}

test("Rate gives in the order of asking, evenly, and no second more than its worth", async () => {
  const clock = new JumpingClock();
  const rate = new Rate(10, clock);
  const counted = new Counted(clock);
  const order: number[] = [];
  const spend = async (n: number) => {
    await rate.spend(1, signal);
    counted.note(1);
    order.push(n);
  };
  const all = Array.from({ length: 50 }, (_, n) => n);
  await Promise.all(all.map(spend));
  assert.deepEqual(order, all);
  assert.ok(counted.mostInASecond <= 12, `${counted.mostInASecond}`);
  assert.ok(counted.ms >= 4700 && counted.ms <= 5000, `${counted.ms} ms`);
});

test("Rate does not save up, gives back what is given up, and bears a clock that is set back", async () => {
  let now = 1e12;
  const slept: number[] = [];
  const clock = {
    now: () => now,
    async sleep(ms: number, call: AbortSignal) {
      call.throwIfAborted();
      slept.push(ms);
      if (call !== signal) throw new Error("given up");
      now += ms;
    },
  };
  const rate = new Rate(10, clock);
  now += 3600_000;
  for (let n = 0; n < 3; n++) await rate.spend(1, signal);
  assert.deepEqual(slept.splice(0), [100]); // two at once: the first, and what a tenth of a second is worth
  await assert.rejects(rate.spend(1000, new AbortController().signal), /given up/);
  slept.length = 0;
  await rate.spend(1, signal);
  now -= 3600_000;
  await rate.spend(1, signal);
  assert.deepEqual(slept, [100, 200]); // and not an hour
});

test("RegistryHost sends no more requests a second than it may, whoever asks", async () => {
  await using registry = await startRegistry();
  registry.seed("app", "v1", makeImage());
  const clock = new JumpingClock();
  const sent = new Counted(clock);
  await using plain = createHttpClient({
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: false }),
    proxyFor: () => undefined,
    connections: 16,
  });
  const http: HttpClient = {
    request: (request) => {
      sent.note(1);
      return plain.request(request);
    },
    warm: (url) => plain.warm(url),
    contact: (...given) => plain.contact(...given),
    [Symbol.asyncDispose]: async () => {},
  };
  const budget = createHostBudget({ requestsPerSecond: 20 }, clock);
  await using client = testHost(registry.host, {
    clock,
    budget,
    http,
    origin: new URL(registry.origin),
  });
  const names = Array.from({ length: 60 }, (_, n) => `r${n % 7}`);
  await pool(names, 30, signal, async (name, call) => {
    await client.host.repository(name, "read").headManifest("v1", { signal: call });
  });
  assert.equal(sent.total, 60);
  assert.ok(sent.mostInASecond <= 23, `${sent.mostInASecond}`);
  assert.ok(sent.ms >= 2700 && sent.ms <= 3000, `${sent.ms} ms`);
});

test("RegistryHost moves no more bytes a second than it may, both ways together", async () => {
  await using registry = await startRegistry();
  const image = makeImage({ layers: 4, layerBytes: 300_000 });
  registry.seed("app", "v1", image);
  const perSecond = 100_000;
  const { client, bytes } = limited(registry.host, { bytesPerSecond: perSecond });
  await using _ = client;
  const elsewhere = client.host.repository("other", "write");
  await copyThrough(client.host.repository("app", "read"), elsewhere, image);
  const size = image.layers.reduce((sum, layer) => sum + layer.size, image.config?.size ?? 0);
  assert.equal(bytes.total, 2 * size);
  assert.ok(bytes.mostInASecond <= 1.25 * perSecond, `${bytes.mostInASecond} bytes in a second`);
  const leastMs = ((2 * size) / perSecond - 0.3) * 1000;
  assert.ok(bytes.ms >= leastMs && bytes.ms <= leastMs + 300, `${bytes.ms} of ${leastMs} ms`);
  assert.equal(client.events.filter(({ type }) => type === "resuming").length, 0);
});

test("RegistryHost does not take its own waiting for a host that is slow", async () => {
  await using registry = await startRegistry();
  const { bytes: content, descriptor } = testBlob(120_000);
  registry.seed("app", undefined, {
    blobs: new Map([[descriptor.digest, content]]),
    manifests: [],
  });
  const { client, bytes } = limited(registry.host, { bytesPerSecond: 400 });
  await using _ = client;
  await using blob = await client.host.repository("app", "read").openBlob(descriptor, { signal });
  assert.deepEqual(await collected(blob), Buffer.from(content));
  assert.ok(bytes.ms > 250_000);
  await using stream = streamOf(content, descriptor);
  await client.host.repository("other", "write").writeBlob(stream, { signal });
  assert.equal(client.events.filter(({ type }) => type === "resuming").length, 0);
});

test("RegistryHost goes on where transfers break that it makes wait", async () => {
  await using registry = await startRegistry();
  const { bytes: content, descriptor } = testBlob(3_000_000);
  registry.seed("app", undefined, {
    blobs: new Map([[descriptor.digest, content]]),
    manifests: [],
  });
  registry.behave({ on: "GET blob", times: 2, fault: cutResponse(700_000) });
  registry.behave({ on: "PUT upload", times: 2, fault: dropRequest(900_000) });
  const { client } = limited(registry.host, { bytesPerSecond: 1_000_000 });
  await using _ = client;
  await using blob = await client.host.repository("app", "read").openBlob(descriptor, { signal });
  await client.host.repository("other", "write").writeBlob(blob, { signal });
  assert.ok(registry.store.open("other").blobs.has(descriptor.digest));
});

test("RegistryHost sends pieces bit by bit too", async () => {
  await using registry = await startRegistry({ features: { chunkBytes: { max: 1 << 20 } } });
  const { bytes: content, descriptor } = testBlob(2_500_000);
  const { client, bytes } = limited(
    registry.host,
    { bytesPerSecond: 1_000_000 },
    { limits: { chunkBytes: 1 << 20 } },
  );
  await using _ = client;
  registry.features = { ...registry.features, putBody: false };
  await using stream = streamOf(content, descriptor);
  await client.host.repository("other", "write").writeBlob(stream, { signal });
  assert.ok(bytes.total >= content.byteLength);
  assert.ok(bytes.mostInASecond <= 1_300_000, `${bytes.mostInASecond} bytes in a second`);
});

test("RegistryHost is called off at once while it waits", async () => {
  await using registry = await startRegistry();
  const { bytes: content, descriptor } = testBlob(500_000);
  registry.seed("app", "v1", {
    blobs: new Map([[descriptor.digest, content]]),
    manifests: [],
  });
  const waits = Promise.withResolvers<void>();
  const never = {
    rates: { bytesPerSecond: 1000 },
    spend: (_kind: string, _amount: number, call: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        if (call.aborted) return reject(call.reason);
        call.addEventListener("abort", () => reject(call.reason), { once: true });
        waits.resolve();
      }),
    heard: () => {},
    known: () => undefined,
  };
  await using client = testHost(registry.host, { budget: never });
  for (const side of ["download", "upload"]) {
    const stop = new AbortController();
    const call = { signal: stop.signal };
    const moving = async () => {
      if (side === "download") {
        await using blob = await client.host.repository("app", "read").openBlob(descriptor, call);
        await collected(blob);
      } else {
        await using stream = streamOf(content, descriptor);
        await client.host.repository("other", "write").writeBlob(stream, call);
      }
    };
    const moved = moving();
    await waits.promise;
    setImmediate(() => stop.abort(new Error("called off")));
    await assert.rejects(moved, /called off/);
  }
  // what is not read to its end is let go of, with the slot
  const slots = Array.from({ length: 20 }, async () => {
    await using blob = await client.host.repository("app", "read").openBlob(descriptor, { signal });
    void blob[Symbol.asyncIterator]()
      .next()
      .catch(() => {});
  });
  await Promise.all(slots);
});
