import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ask, testClient, textOf } from "./asking.ts";
import { scriptedServer } from "./scripted-server.ts";

const responses: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n",
];

const lost = new Set(["registry.connection-lost", "registry.bad-response"]);

for (const response of responses) {
  for (const how of ["end", "resetAndDestroy"] as const) {
    test(`a connection that breaks (${how}) at any byte of ${response.length} is told by its code`, async () => {
      for (let cut = 0; cut < response.length; cut++) {
        await using server = await scriptedServer(async (peer) => {
          await peer.head();
          await peer.send(response.slice(0, cut));
          await turn();
          peer.socket[how]();
          await peer.closed();
        });
        await using client = testClient();
        const error: unknown = await ask(client, server.origin)
          .then(textOf)
          .catch((thrown: unknown) => thrown);
        const code = error instanceof Error && "code" in error ? String(error.code) : error;
        assert.ok(lost.has(String(code)), `cut at ${cut}: ${code}`);
        while (server.open > 0) await turn();
      }
    });
  }
}

test("an upload whose server breaks off after any number of bytes ends its body and is told by its code", async () => {
  for (let taken = 0; taken < 600_000; taken += 50_000) {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.bytes(taken);
      peer.socket.resetAndDestroy();
    });
    await using client = testClient();
    let ended = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (let count = 0; count < 10; count++) {
          await turn();
          yield Buffer.alloc(60_000);
        }
      } finally {
        ended = true;
      }
    }
    const sending = ask(client, server.origin, {
      method: "PUT",
      body: { length: 600_000, bytes: body() },
    });
    await assert.rejects(sending, { code: "registry.connection-lost", retryable: true });
    for (let turns = 0; !ended && turns < 100; turns++) await turn();
    assert.ok(ended, `the body was left open after ${taken} bytes`);
  }
});

test("a body that breaks after any number of chunks completes no request", async () => {
  for (let chunks = 0; chunks < 6; chunks++) {
    for (const length of [600, undefined]) {
      const failure = new Error("broke");
      let rest = Buffer.alloc(0);
      await using server = await scriptedServer(async (peer) => {
        await peer.head();
        rest = Buffer.concat([rest, await peer.rest()]);
      });
      await using client = testClient();
      async function* body(): AsyncGenerator<Uint8Array> {
        for (let count = 0; count < chunks; count++) yield Buffer.alloc(100, "x");
        throw failure;
      }
      const sending = ask(client, server.origin, {
        method: "PUT",
        body: { bytes: body(), ...(length !== undefined && { length }) },
      });
      await assert.rejects(sending, (error) => error === failure);
      while (server.open > 0) await turn();
      assert.ok(rest.byteLength < 600 + 60);
      assert.ok(!rest.includes("0\r\n\r\n"));
    }
  }
});
