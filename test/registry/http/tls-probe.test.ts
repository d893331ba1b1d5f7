import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import net, { type AddressInfo, type Server } from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { tcpOpener } from "../../../src/registry/http/dial.ts";
import { HttpError } from "../../../src/registry/http/errors.ts";
import { LargeBlocks } from "../../../src/registry/http/inbox.ts";
import { refutePlainHttp } from "../../../src/registry/http/tls-probe.ts";
import { Watchdog } from "../../../src/registry/http/watchdog.ts";
import { skipWithout } from "../../support/peers.ts";
import { makePki } from "../../support/tls.ts";

const never = new AbortController().signal;

async function probe(server: Server): Promise<void> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const timeouts = {
    connectMs: 1e4,
    tlsMs: 1e4,
    headersMs: 1e4,
    readIdleMs: 1e4,
    writeIdleMs: 1e4,
  };
  const context = { timeouts, largeBlocks: new LargeBlocks(false), watchdog: new Watchdog(50) };
  const wire = tcpOpener((server.address() as AddressInfo).port, context)("127.0.0.1");
  try {
    await wire.opened("connect");
    await refutePlainHttp(wire, never);
  } finally {
    server.close();
  }
}

test("refutePlainHttp() throws where the answer is plain HTTP, whole or in pieces", async () => {
  const split = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.write("HT");
    setImmediate(() => socket.end("TP/1.0 400 Bad Request\r\n\r\n"));
  });
  for (const server of [createServer(), split]) {
    await assert.rejects(
      probe(server),
      (error) => error instanceof HttpError && error.code === "registry.tls",
    );
  }
});

test("refutePlainHttp() says nothing of any other answer, or none", async () => {
  const answering = (text: string) =>
    net.createServer((socket) => socket.on("error", () => {}).end(text));
  const silent = net.createServer((socket) => socket.on("error", () => {}));
  for (const server of [answering("\x15\x03\x01"), answering("<html>"), answering(""), silent]) {
    await probe(server);
  }
});

test("refutePlainHttp() says hello so that a TLS server goes on with the handshake", {
  skip: skipWithout("openssl"),
}, async () => {
  await using pki = await makePki();
  const server = tls.createServer({ cert: pki.server.cert, key: pki.server.key });
  const failed = once(server, "tlsClientError");
  await probe(server);
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET"); // we hung up, and nothing of OpenSSL's before
});
