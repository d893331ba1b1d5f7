import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { createTraffic } from "../../../src/server/shell/traffic.ts";

test("an answer that is ended, and not yet taken, comes to its end though the server does", async () => {
  const traffic = createTraffic();
  const body = Buffer.alloc(30_000_000, "x"); // more than the system takes of it
  const server = createServer(traffic.counted((_, response) => void response.end(body)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const asked = request({ port, host: "127.0.0.1" }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const ending = traffic.end([server], 300_000);
  let length = 0;
  for await (const chunk of answer) length += chunk.length;
  assert.equal(length, body.length);
  assert.equal(await ending, 0);
});

test("what idles is closed at once, though answers were ended whose clients had gone", {
  timeout: 60_000,
}, async () => {
  const traffic = createTraffic();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<ServerResponse>();
  const { promise: held, resolve: onHeld } = Promise.withResolvers<ServerResponse>();
  const handle = traffic.counted(({ url }, response) => {
    if (url === "/gone") onAsked(response);
    else if (url === "/held") onHeld(response);
    else response.end();
  });
  const server = createServer({ keepAliveTimeout: 3_600_000 }, handle);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const open = (path: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    return socket;
  };
  const gone = open("/gone");
  const answer = await asked;
  gone.destroy();
  await once(answer, "close");
  answer.end("too late");
  open("/held");
  const late = await held;
  const idle = open("/");
  await once(idle, "data");
  const ending = traffic.end([server], 300_000);
  await once(idle.resume(), "close"); // before the one that is held is answered
  late.end();
  assert.equal(await ending, 0);
});
