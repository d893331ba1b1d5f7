import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytesOf } from "../../support/random.ts";
import { ask, codeOf, testClient } from "./asking.ts";
import { scriptedServer } from "./scripted-server.ts";

const content = randomBytesOf(21, 1024 * 1024);
const head = `HTTP/1.1 200 OK\r\nContent-Length: ${content.byteLength}\r\n\r\n`;

test("body gives what there is of a large body when no more comes", async () => {
  const goOn = Promise.withResolvers<void>();
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(head);
    await peer.send(content.subarray(0, 1000));
    await goOn.promise;
    await peer.send(content.subarray(1000));
  });
  await using client = testClient();
  await using response = await ask(client, server.origin, { lane: "blob" });
  const received: Buffer[] = [];
  for await (const chunk of response.body) {
    received.push(Buffer.from(chunk));
    goOn.resolve(); // the server sends no more before: this is reached because what there was is given
  }
  assert.ok(Buffer.concat(received).equals(content));
  assert.ok((received[0]?.byteLength ?? 0) <= 1000);
});

test("body gives what came of a large body that is cut short, and then throws", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(head);
    await peer.send(content.subarray(0, 5000));
    peer.socket.end();
    await peer.closed();
  });
  await using client = testClient();
  await using response = await ask(client, server.origin, { lane: "blob" });
  let received = 0;
  const read = async () => {
    for await (const chunk of response.body) received += chunk.byteLength;
  };
  assert.equal(await codeOf(read()), "registry.connection-lost");
  assert.equal(received, 5000);
});

test("body ends the wait of who closes it while more of it is gathered", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(head);
    await peer.send(content.subarray(0, 1000));
    await peer.closed();
  });
  await using client = testClient();
  for (const end of ["return", "dispose"] as const) {
    const response = await ask(client, server.origin, { lane: "blob" });
    const body = response.body[Symbol.asyncIterator]();
    const next = codeOf(body.next());
    if (end === "return") await body.return?.();
    else await response[Symbol.asyncDispose]();
    assert.ok(["no error", "registry.connection-lost"].includes(await next), end);
  }
});

test("retainChunks() leaves what was given so far to its reader for good", async () => {
  const large = randomBytesOf(22, 12 * 1024 * 1024);
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${large.byteLength}\r\n\r\n`);
    await peer.send(large);
  });
  await using client = testClient();
  await using response = await ask(client, server.origin, { lane: "blob" });
  const held: Uint8Array[] = [];
  for await (const chunk of response.body) {
    held.push(chunk);
    response.retainChunks();
  }
  response.retainChunks(); // when all was given, there is nothing to retain
  assert.ok(Buffer.concat(held).equals(large));
  const others = new Set(held.map(({ buffer }) => buffer));
  assert.ok(others.size >= 12 * 2, `${others.size} pieces of memory`);
});
