import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createPlain, type RequestListener, type Server } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { skipWithout } from "../support/peers.ts";
import { makePki } from "../support/tls.ts";
import { testHost } from "./support.ts";

const digest = `sha256:${"1".repeat(64)}`;
const held: RequestListener = (_, response) =>
  response.writeHead(200, { "docker-content-digest": digest, "content-type": "x/y" }).end();

/** Expects requests to the server, then sends one; gives how many connections were opened before it and in all. */
async function expecting(server: Server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using client = testHost(`127.0.0.1:${port}`);
  const repository = client.host.repository("x", "read");
  let connections = 0;
  server.on("connection", () => connections++);
  repository.expect();
  await once(server, "connection"); // without any request
  const head = await repository.headManifest("latest", { signal: AbortSignal.timeout(300_000) });
  server.closeAllConnections();
  server.close();
  return { head: head.type, connections };
}

test("expect() finds a registry without TLS, and leaves a connection for who asks", async () => {
  assert.deepEqual(await expecting(createPlain(held)), { head: "held", connections: 2 });
});

test("expect() finds a registry with TLS", { skip: skipWithout("openssl") }, async () => {
  await using pki = await makePki();
  const { key, cert } = pki.server;
  const { head } = await expecting(createSecure({ key, cert }, held));
  assert.equal(head, "held");
});

test("expect() leaves it to who asks to say that nobody is there", async () => {
  await using client = testHost("127.0.0.1:1");
  const repository = client.host.repository("x", "read");
  repository.expect();
  const { signal } = new AbortController();
  await assert.rejects(repository.headManifest("latest", { signal }), {
    message: `pinging container registry 127.0.0.1:1: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused`,
  });
});
