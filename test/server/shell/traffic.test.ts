import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
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
