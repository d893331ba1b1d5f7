import assert from "node:assert/strict";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { cutResponse, refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { collected, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();
const { bytes, descriptor } = testBlob(2_000_000);

async function holding(): Promise<Registry> {
  const registry = await startRegistry();
  registry.seed("app", undefined, { blobs: new Map([[descriptor.digest, bytes]]), manifests: [] });
  return registry;
}

test("openBlob() continues where it broke off, and asks for nothing twice", async () => {
  await using registry = await holding();
  registry.behave({ on: "GET blob", times: 3, fault: cutResponse(500_000) });
  await using client = testHost(registry.host);
  await using stream = await client.host.repository("app", "read").openBlob(descriptor, { signal });
  assert.deepEqual(await collected(stream), bytes);
  const ranges = registry.log.of("GET blob").map(({ headers }) => headers.range);
  assert.equal(ranges.length, 4);
  assert.ok(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? "")));
  assert.equal(client.events.filter(({ type }) => type === "resuming").length, 3);
});

test("openBlob() reads on from the middle, and from the start, after a pass was given up", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host);
  await using stream = await client.host.repository("app", "read").openBlob(descriptor, { signal });
  for await (const chunk of stream) if (chunk.byteLength > 0) break;
  assert.deepEqual(await collected(stream.again(1_234_567)), bytes.subarray(1_234_567));
  assert.deepEqual(await collected(stream.again(0)), bytes);
});

test("openBlob() takes the size from the answer where a manifest has none", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host);
  const unsized = { ...descriptor, size: -1 };
  await using stream = await client.host.repository("app", "read").openBlob(unsized, { signal });
  assert.equal(stream.descriptor.size, bytes.byteLength);
  assert.deepEqual(await collected(stream), bytes);
});

test("openBlob() frees its connection and slot when disposed of unread", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host, { limits: { slots: 1 }, connections: 1 });
  const repository = client.host.repository("app", "read");
  for (let count = 0; count < 3; count++) {
    await using stream = await repository.openBlob(descriptor, { signal });
    assert.equal(stream.reopens, true);
  }
});

test("openBlob() frees its slot when it fails", async () => {
  await using registry = await holding();
  registry.behave({ on: "GET blob", times: 2, fault: refuse(404) });
  await using client = testHost(registry.host, { limits: { slots: 1 } });
  const repository = client.host.repository("app", "read");
  for (let count = 0; count < 2; count++) {
    await assert.rejects(repository.openBlob(descriptor, { signal }), {
      code: "registry.not-found",
    });
  }
  await using stream = await repository.openBlob(descriptor, { signal });
  assert.deepEqual(await collected(stream), bytes);
});

test("openForeignBlob() fetches from the descriptor's addresses, the first that answers, without credentials", async () => {
  await using registry = await holding();
  await using other = await startRegistry({ access: { kind: "basic", users: { ann: "secret" } } });
  registry.behave({ on: "GET blob", nth: 2, fault: cutResponse(500_000) });
  await using client = testHost(other.host, {
    credentials: { username: "ann", password: "secret" },
  });
  const urls = [
    `${other.origin}/v2/x/blobs/${descriptor.digest}`,
    `${registry.origin}/v2/app/blobs/${descriptor.digest}`,
  ];
  const repository = client.host.repository("app", "read");
  for (let count = 0; count < 2; count++) {
    await using stream = await repository.openForeignBlob({ ...descriptor, urls }, { signal });
    assert.deepEqual(await collected(stream), bytes);
  }
  for (const { log } of [registry, other]) {
    assert.ok(log.entries.every(({ headers }) => headers.authorization === undefined));
  }
  await assert.rejects(repository.openForeignBlob(descriptor, { signal }), {
    code: "registry.not-found",
  });
  for (const url of ["file:///etc/passwd", "ftp://a/b", "http://u:p@a/b"]) {
    const foreign = { ...descriptor, urls: [url] };
    await assert.rejects(repository.openForeignBlob(foreign, { signal }), {
      code: "registry.bad-redirect",
    });
  }
});

test("Repository goes back to TLS where a server without it turns out to want it", async () => {
  let connections = 0;
  // A server whose TLS broke once, and that answers requests without TLS as such servers do.
  const server = createTcpServer((socket) => {
    connections++;
    socket.on("error", () => {});
    socket.once("data", (data) => {
      if (data[0] === 0x16) socket.resetAndDestroy();
      else
        socket.end(
          "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using client = testHost(host);
  const reading = client.host.repository("x", "read").readManifest("latest", { signal });
  await assert.rejects(reading, { code: "registry.unreachable", message: /Get "https:/ });
  assert.ok(connections >= 4, `${connections} connections`);
  server.close();
});

test("Repository finds out once that a registry has no TLS, however many ask", async () => {
  await using registry = await holding();
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "read");
  await Promise.all(Array.from({ length: 4 }, () => repository.headManifest("v1", { signal })));
  assert.equal(registry.log.entries.length, 4);
});

test("openBlob() gives up a connection that dribbles, and goes on with another", async () => {
  await using registry = await holding();
  // each look at the clock takes ten minutes as long as the first answer lasts
  let now = Date.now();
  registry.behave({
    on: "GET blob",
    fault: { reply: (reply) => ({ ...reply, body: dribbling(bytes) }) },
  });
  const clock = {
    now: () => (now += registry.log.of("GET blob").length === 1 ? 600_000 : 0),
    sleep: async () => {},
  };
  await using client = testHost(registry.host, { clock });
  await using stream = await client.host.repository("app", "read").openBlob(descriptor, { signal });
  assert.deepEqual(await collected(stream), bytes);
  assert.ok(registry.log.of("GET blob").length >= 2);
});

async function* dribbling(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += 1000) {
    yield content.subarray(at, at + 1000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
