import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { innerAreaOf } from "../../src/registry/address.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import { cutResponse, ignoreRange, redirect, refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { collected, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();
const { bytes, descriptor } = testBlob(300_000);

async function holding(): Promise<Registry> {
  const registry = await startRegistry();
  registry.seed("app", undefined, { blobs: new Map([[descriptor.digest, bytes]]), manifests: [] });
  return registry;
}

const sections = [
  { start: 0 },
  { start: 0, end: 10 },
  { start: 100, end: 250_000 },
  { start: 299_999 },
  { start: 299_990, end: 300_000 },
] as const;
for (const section of sections) {
  test(`openUnchecked() gives ${JSON.stringify(section)}, broken off or not, ranges kept or not`, async () => {
    await using registry = await holding();
    await using client = testHost(registry.host);
    const app = client.host.repository("app", "read");
    const wanted = bytes.subarray(section.start, "end" in section ? section.end : undefined);
    for (const fault of [undefined, cutResponse(5), ignoreRange()]) {
      if (fault) registry.behave({ on: "GET blob", fault });
      for (const size of [descriptor.size, -1]) {
        await using opened = await app.openUnchecked({ ...descriptor, size }, section, { signal });
        assert.equal(opened.size, bytes.byteLength);
        assert.deepEqual(await collected(opened.bytes), wanted);
      }
    }
  });
}

test("openUnchecked() refuses a blob of another size before it reads it", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host, { limits: { slots: 1 } });
  const app = client.host.repository("app", "read");
  for (let count = 0; count < 2; count++) {
    await assert.rejects(
      app.openUnchecked({ ...descriptor, size: 299_999 }, { start: 0 }, { signal }),
      { code: "registry.bad-response" },
    );
  }
});

test("statBlob() tells there, not there, and not told apart", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host);
  const app = client.host.repository("app", "read");
  assert.equal(await app.statBlob(descriptor.digest, { signal }), 300_000);
  assert.equal(await app.statBlob(testBlob(5, 9).descriptor.digest, { signal }), undefined);
  registry.behave({ on: "HEAD blob", fault: refuse(403, { code: "DENIED" }) });
  await assert.rejects(app.statBlob(descriptor.digest, { signal }), { code: "registry.denied" });
});

test("a host's own headers go to it, and not where it leads", async () => {
  await using registry = await holding();
  await using store = await startRegistry({ store: registry.store });
  registry.features = {
    ...registry.features,
    blobRedirect: { origin: store.origin, status: 307 },
  };
  const headers = { "oci-proxy-hops": "2" };
  await using client = testHost(registry.host, { headers, origin: new URL(registry.origin) });
  const app = client.host.repository("app", "read");
  await using opened = await app.openUnchecked(descriptor, { start: 0 }, { signal });
  assert.deepEqual(await collected(opened.bytes), bytes);
  assert.equal(registry.log.of("GET blob")[0]?.headers["oci-proxy-hops"], "2");
  assert.equal(store.log.of("GET blob")[0]?.headers["oci-proxy-hops"], undefined);
  assert.equal(registry.log.connections, 1, "TLS is not tried where the origin has none");
});

test("a client goes to no address that it is kept from, whatever leads there", async () => {
  await using registry = await holding();
  let heard = 0;
  const inside = createServer(() => heard++).listen(0, "127.0.0.1");
  await new Promise((resolve) => inside.once("listening", resolve));
  const { port } = inside.address() as AddressInfo;
  const asked: string[] = [];
  await using http = createHttpClient({
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: true }),
    proxyFor: () => undefined,
    connections: 4,
    mayConnect: (origin, address) => {
      asked.push(`${origin.host} ${address}`);
      return origin.host === registry.host;
    },
  });
  await using client = testHost(registry.host, { http, origin: new URL(registry.origin) });
  const app = client.host.repository("app", "read");
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    registry.behave({ on: "GET blob", fault: redirect(`http://${host}/secret`) });
    await assert.rejects(app.openUnchecked(descriptor, { start: 0 }, { signal }), {
      code: "registry.unreachable",
    });
  }
  assert.ok(asked.includes(`localhost:${port} 127.0.0.1`), "names are judged by their addresses");
  assert.equal(heard, 0);
  inside.close();
});

test("innerAreaOf() tells neighbours, this machine and the public network apart", () => {
  const rows = [
    ["10.1.2.3", "private"],
    ["172.31.0.1", "private"],
    ["192.168.7.7", "private"],
    ["fd00::1", "private"],
    ["::ffff:10.0.0.1", "private"],
    ["127.0.0.1", "machine"],
    ["0.0.0.0", "machine"],
    ["169.254.169.254", "machine"],
    ["::1", "machine"],
    ["fe80::1", "machine"],
    ["::ffff:127.0.0.1", "machine"],
    ["224.0.0.1", "machine"],
    ["192.0.0.192", "machine"],
    ["::", "machine"],
    ["::127.0.0.1", "machine"],
    ["::a00:1", "machine"],
    ["::ffff:0:127.0.0.1", "machine"],
    ["64:ff9b::169.254.169.254", "machine"],
    ["64:ff9b:1::7f00:1", "machine"],
    ["2002:7f00:1::", "machine"],
    ["2002:a9fe:a9fe::1", "machine"],
    ["2001:0:7f00:1::", "machine"],
    ["fec0::1", "machine"],
    ["64:ff9b::8.8.8.8", undefined],
    ["2002:808:808::1", undefined],
    ["::ffff:8.8.8.8", undefined],
    ["172.32.0.1", undefined],
    ["8.8.8.8", undefined],
    ["2001:4860:4860::8888", undefined],
  ] as const;
  for (const [address, area] of rows) assert.equal(innerAreaOf(address), area, address);
});
