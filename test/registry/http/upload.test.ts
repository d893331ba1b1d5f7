import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import type { RequestBody } from "../../../src/registry/http/contract.ts";
import { ask, codeOf, testClient, textOf } from "./asking.ts";
import { type Peer, type Script, scriptedServer } from "./scripted-server.ts";

const created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

/** What a server was sent in each request: the head, and its body decoded. */
interface Sent {
  readonly head: string;
  readonly body: string;
}

/** Reads whole requests and answers 201 each time. */
function reading(sent: Sent[]): Script {
  return async (peer) => {
    for (let head = await peer.head(); head !== undefined; head = await peer.head()) {
      sent.push({ head, body: await readBody(peer, head) });
      await peer.send(created);
    }
  };
}

async function readBody(peer: Peer, head: string): Promise<string> {
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return (await peer.bytes(Number(length))).toString("latin1");
  if (!/transfer-encoding: chunked/i.test(head)) return "";
  let body = "";
  for (;;) {
    let line = "";
    while (!line.endsWith("\r\n")) line += (await peer.bytes(1)).toString("latin1");
    const size = Number.parseInt(line, 16);
    body += (await peer.bytes(size)).toString("latin1");
    assert.equal((await peer.bytes(2)).toString("latin1"), "\r\n");
    if (size === 0) return body;
  }
}

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await turn();
    yield Buffer.from(text, "latin1");
  }
}

const bodies: readonly (readonly [
  name: string,
  body: () => RequestBody | undefined,
  expected: string,
])[] = [
  ["no body", () => undefined, ""],
  ["bytes", () => Buffer.from("hello"), "hello"],
  ["no bytes", () => new Uint8Array(0), ""],
  ["a megabyte", () => Buffer.alloc(1_000_001, "x"), "x".repeat(1_000_001)],
  [
    "a stream with a length",
    () => ({ length: 6, bytes: chunksOf("he", "", "llo", "!") }),
    "hello!",
  ],
  ["an empty stream with a length", () => ({ length: 0, bytes: chunksOf() }), ""],
  ["an empty stream with empty chunks", () => ({ length: 0, bytes: chunksOf("", "") }), ""],
  ["a stream without length", () => ({ bytes: chunksOf("he", "", "llo", "!") }), "hello!"],
  ["an empty stream without length", () => ({ bytes: chunksOf() }), ""],
  [
    "a stream with a large chunk",
    () => ({ bytes: chunksOf("y".repeat(700_000)) }),
    "y".repeat(700_000),
  ],
];

for (const [name, body, expected] of bodies) {
  test(`request() sends ${name}, and the connection serves again`, async () => {
    const sent: Sent[] = [];
    await using server = await scriptedServer(reading(sent));
    await using client = testClient();
    for (let round = 0; round < 2; round++) {
      const made = body();
      const response = await ask(client, `${server.origin}/a`, {
        method: "PUT",
        ...(made && { body: made }),
      });
      assert.equal(response.status, 201);
    }
    assert.deepEqual(
      sent.map((request) => request.body),
      [expected, expected],
    );
    assert.equal(server.connections, 1);
  });
}

test("request() writes one head: host, hop fields, the caller's, the length", async () => {
  const sent: Sent[] = [];
  await using server = await scriptedServer(reading(sent));
  await using client = testClient();
  const { port } = server;
  const headers = { accept: "*/*", "x-unicode": "caf\u00e9" };
  await ask(client, `http://user:secret@127.0.0.1:${port}/v2/a%20b/?n=1#part`, {
    method: "POST",
    headers,
    body: Buffer.from("hi"),
  });
  assert.equal(
    sent[0]?.head,
    `POST /v2/a%20b/?n=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\nX-Unicode: caf\u00c3\u00a9\r\nContent-Length: 2`,
  );
});

const noLength: readonly (readonly [string, boolean])[] = [
  ["GET", false],
  ["HEAD", false],
  ["DELETE", false],
  ["POST", true],
  ["PUT", true],
  ["PATCH", true],
];

for (const [method, says] of noLength) {
  test(`request() of ${method} without a body ${says ? "says" : "does not say"} so`, async () => {
    const sent: Sent[] = [];
    await using server = await scriptedServer(reading(sent));
    await using client = testClient();
    await ask(client, server.origin, { method });
    assert.equal(/content-length: 0/i.test(sent[0]?.head ?? ""), says);
  });
}

const unfit: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["a line end in a value", { accept: "a\r\nx: y" }],
  ["a line feed in a value", { accept: "a\nb" }],
  ["a NUL in a value", { accept: "a\0" }],
  ["a space in a name", { "a b": "c" }],
  ["an empty name", { "": "c" }],
  ["capitals in a name", { Accept: "c" }],
  ["the host", { host: "evil.example" }],
  ["a length", { "content-length": "5" }],
  ["a transfer coding", { "transfer-encoding": "chunked" }],
  ["connection options", { connection: "close" }],
];

for (const [name, headers] of unfit) {
  test(`request() refuses headers with ${name}`, async () => {
    const sent: Sent[] = [];
    await using server = await scriptedServer(reading(sent));
    await using client = testClient();
    await assert.rejects(ask(client, server.origin, { headers }), TypeError);
    assert.deepEqual(sent, []);
  });
}

const wrongLengths: readonly (readonly [string, number, readonly string[]])[] = [
  ["shorter than promised", 10, ["hello"]],
  ["empty though promised", 5, []],
  ["longer than promised in one chunk", 3, ["hello"]],
  ["longer than promised by a chunk", 5, ["hello", "!"]],
  ["longer than nothing promised", 0, ["!"]],
];

for (const [name, length, texts] of wrongLengths) {
  test(`request() never completes a body that is ${name}`, async () => {
    let rest: Uint8Array = new Uint8Array(0);
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      rest = await peer.rest();
    });
    await using client = testClient();
    const sending = ask(client, server.origin, {
      method: "PUT",
      body: { length, bytes: chunksOf(...texts) },
    });
    assert.equal(await codeOf(sending), "content.size-mismatch");
    while (server.open > 0) await turn();
    assert.ok(rest.byteLength < Math.max(length, 1), "the server got all it was promised");
  });
}

for (const length of [10, undefined]) {
  test(`request() throws what its body throws, and ends nothing (${length ?? "no"} length)`, async () => {
    const failure = new Error("the source broke");
    let rest = "";
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      rest = (await peer.rest()).toString("latin1");
    });
    await using client = testClient();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("hello");
      await pause(20);
      throw failure;
    }
    const body = { bytes: failing(), ...(length !== undefined && { length }) };
    const sending = ask(client, server.origin, { method: "PUT", body });
    await assert.rejects(sending, (error) => error === failure);
    while (server.open > 0) await turn();
    assert.ok(!rest.endsWith("0\r\n\r\n"));
    assert.ok(rest.includes("hello"));
  });
}

test("request() throws what its body throws at once, though the server was never asked", async () => {
  const failure = new Error("no source");
  await using server = await scriptedServer(async (peer) => peer.closed());
  await using client = testClient();
  // biome-ignore lint/correctness/useYield: it fails before it could
  async function* failing(): AsyncGenerator<Uint8Array> {
    throw failure;
  }
  const sending = ask(client, server.origin, { method: "PUT", body: { bytes: failing() } });
  await assert.rejects(sending, (error) => error === failure);
});

test("request() throws what opening its body throws", async () => {
  const failure = new Error("taken twice");
  await using server = await scriptedServer(async (peer) => peer.closed());
  await using client = testClient();
  const bytes: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      throw failure;
    },
  };
  const sending = ask(client, server.origin, { method: "PUT", body: { length: 1, bytes } });
  await assert.rejects(sending, (error) => error === failure);
});

test("request() asks its body for one chunk ahead, and writes over nothing that is on its way", async () => {
  const hash = createHash("sha256");
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    for (let left = 200; left > 0; left--) {
      hash.update(await peer.bytes(100_000));
      if (left % 20 === 0) await pause(5);
    }
    await peer.send(created);
    await peer.closed();
  });
  await using client = testClient();
  const expected = createHash("sha256");
  async function* reusing(): AsyncGenerator<Uint8Array> {
    const ring = [Buffer.alloc(100_000), Buffer.alloc(100_000)];
    for (let at = 0; at < 200; at++) {
      const chunk = ring[at % 2] ?? Buffer.alloc(0);
      chunk.fill(at);
      expected.update(chunk);
      yield chunk;
    }
    ring[0]?.fill(0xee); // the end was asked for: only the last may still be on its way
  }
  const body = { length: 20_000_000, bytes: reusing() };
  const response = await ask(client, server.origin, { method: "PUT", lane: "blob", body });
  assert.equal(response.status, 201);
  assert.equal(hash.digest("hex"), expected.digest("hex"));
});

/** An endless body that tells whether it was ended. */
function endless(chunk = Buffer.alloc(64 * 1024)) {
  const state = { returned: false, asked: 0 };
  const bytes: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        state.asked++;
        await turn();
        return { done: false, value: chunk };
      },
      async return() {
        state.returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  return { state, body: { length: 2 ** 40, bytes } };
}

const tooMany = "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nlimi";

for (const how of ["stays open", "closes", "stops reading"] as const) {
  test(`request() gives an answer that comes before the body is sent; the server ${how}`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.bytes(100_000);
      if (how === "stops reading") peer.socket.pause();
      await peer.send(tooMany);
      if (how !== "closes") await peer.closed();
    });
    await using client = testClient();
    const { state, body } = endless();
    const response = await ask(client, server.origin, { method: "PUT", lane: "blob", body });
    assert.equal(response.status, 429);
    assert.equal(response.header("retry-after"), "1");
    assert.equal(await textOf(response), "limi");
    assert.equal(state.returned, true);
    const asked = state.asked;
    await pause(20);
    assert.equal(state.asked, asked, "the body is asked no more");
    assert.equal(
      (await ask(client, server.origin, { method: "PUT", body: endless().body })).status,
      429,
    );
    assert.equal(server.connections, 2, "the connection was not used again");
  });
}

test("request() gives an early answer while its body keeps it waiting", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(tooMany);
    await peer.closed();
  });
  await using client = testClient();
  const stuck: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
  };
  const response = await ask(client, server.origin, { method: "PUT", body: { bytes: stuck } });
  assert.equal(response.status, 429);
});

test("request() finds the answer that came before the connection was reset, though a write fails first", async () => {
  let reset = () => {};
  const wasReset = new Promise<void>((resolve) => {
    reset = resolve;
  });
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.bytes(100_000);
    // All in one turn, so that the client cannot read before it writes again.
    peer.socket.write(tooMany);
    peer.socket.resetAndDestroy();
    reset();
  });
  await using client = testClient();
  async function* waiting(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100_000);
    await wasReset;
    for (;;) yield Buffer.alloc(100_000);
  }
  const body = { length: 2 ** 40, bytes: waiting() };
  const response = await ask(client, server.origin, { method: "PUT", lane: "blob", body });
  assert.equal(response.status, 429);
  assert.equal(await textOf(response), "limi");
});

test("request() throws where the connection is reset in mid-body without an answer", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.bytes(100_000);
    peer.socket.resetAndDestroy();
  });
  await using client = testClient();
  const { state, body } = endless();
  const sending = ask(client, server.origin, { method: "PUT", lane: "blob", body });
  await assert.rejects(sending, {
    code: "registry.connection-lost",
    phase: "send",
    retryable: true,
  });
  assert.equal(state.returned, true);
});
