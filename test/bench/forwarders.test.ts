import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { counted, startCounter, startLag } from "../../bench/forwarders.ts";

test("startLag() hands everything on in order, a round trip later", {
  timeout: 300_000,
}, async (t) => {
  const echo = net.createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  t.after(() => echo.close());
  await once(echo, "listening");
  await using lag = await startLag((echo.address() as net.AddressInfo).port, 60);
  const sent = Buffer.alloc(1_000_000, "abcdefg");
  const start = performance.now();
  const socket = net.connect(lag.port, "127.0.0.1");
  socket.end(sent);
  const received: Buffer[] = [];
  for await (const chunk of socket) received.push(chunk);
  assert.ok(Buffer.concat(received).equals(sent));
  assert.ok(performance.now() - start >= 118); // one for the connection, one for the bytes
});

test("startCounter() tells requests and bytes, and starts over", {
  timeout: 300_000,
}, async (t) => {
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => response.end("x".repeat(1000)));
  });
  server.listen(0, "127.0.0.1");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  await using counter = await startCounter((server.address() as net.AddressInfo).port);
  await counted(counter);
  const url = `http://127.0.0.1:${counter.port}/v2/`;
  assert.equal((await (await fetch(url)).text()).length, 1000);
  await (await fetch(`${url}blob`, { method: "PUT", body: "y".repeat(5000) })).text();
  const { requests, bytes } = await counted(counter);
  assert.deepEqual(requests, ["GET /v2/", "PUT /v2/blob"]);
  assert.ok(bytes > 6000 && bytes < 8000, `${bytes}`);
  assert.deepEqual((await counted(counter)).requests, []);
});
