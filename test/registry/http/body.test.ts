import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ask, codeOf, get, testClient, textOf } from "./asking.ts";
import { answering, scriptedServer } from "./scripted-server.ts";

const ok = "HTTP/1.1 200 OK\r\n";
const chunkedOk = `${ok}Transfer-Encoding: chunked\r\n\r\n`;

const bodies: readonly (readonly [name: string, response: string, body: string])[] = [
  ["a length", `${ok}Content-Length: 5\r\n\r\nhello`, "hello"],
  ["no bytes", `${ok}Content-Length: 0\r\n\r\n`, ""],
  ["chunks", `${chunkedOk}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`, "hello!"],
  ["no chunk", `${chunkedOk}0\r\n\r\n`, ""],
  ["extensions", `${chunkedOk}5;a=b;c="d"\r\nhello\r\n1 ;x\r\n!\r\n0;end\r\n\r\n`, "hello!"],
  ["trailers", `${chunkedOk}5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n`, "hello"],
  [
    "sizes in both cases",
    `${chunkedOk}0a\r\n0123456789\r\n0A\r\n0123456789\r\n000\r\n\r\n`,
    "01234567890123456789",
  ],
  ["line ends in the data", `${chunkedOk}8\r\n\r\n0\r\n\r\n\r\r\n0\r\n\r\n`, "\r\n0\r\n\r\n\r"],
  [
    "interim responses before",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nhi`,
    "hi",
  ],
];

for (const [name, response, body] of bodies) {
  test(`request() reads a body with ${name}, at once or byte by byte`, async () => {
    await using server = await scriptedServer(async (peer) => {
      for (let request = 0; (await peer.head()) !== undefined; request++) {
        if (request === 0) {
          await peer.send(response);
        } else {
          for (const byte of Buffer.from(response, "latin1")) {
            await peer.send(Uint8Array.of(byte));
            await turn();
          }
        }
      }
    });
    await using client = testClient();
    assert.equal(await get(client, server.origin), body);
    assert.equal(await get(client, server.origin), body);
    assert.equal(server.connections, 1, "the connection was used again");
  });

  test(`request() reads a body with ${name}, cut in two anywhere`, async () => {
    const bytes = Buffer.from(response, "latin1");
    await using server = await scriptedServer(async (peer) => {
      for (let cut = 1; (await peer.head()) !== undefined; cut++) {
        await peer.send(bytes.subarray(0, cut));
        await turn();
        await turn();
        await peer.send(bytes.subarray(cut));
      }
    });
    await using client = testClient();
    for (let cut = 1; cut < bytes.byteLength; cut++) {
      assert.equal(await get(client, server.origin), body);
    }
  });
}

const broken: readonly (readonly [name: string, response: string, code: string])[] = [
  ["a chunk size that is none", `${chunkedOk}zz\r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["an empty chunk size", `${chunkedOk}\r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["a negative chunk size", `${chunkedOk}-5\r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["a chunk size with 0x", `${chunkedOk}0x5\r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["a space before a chunk size", `${chunkedOk} 5\r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["a space after a chunk size", `${chunkedOk}5 \r\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  [
    "a chunk size past 64 bits",
    `${chunkedOk}10000000000000005\r\nhello\r\n0\r\n\r\n`,
    "registry.bad-response",
  ],
  ["a chunk size past 2^53", `${chunkedOk}20000000000001\r\nhello\r\n`, "registry.bad-response"],
  ["a bare LF after a chunk size", `${chunkedOk}5\nhello\r\n0\r\n\r\n`, "registry.bad-response"],
  ["a bare LF after chunk data", `${chunkedOk}5\r\nhello\n0\r\n\r\n`, "registry.bad-response"],
  ["data longer than its chunk", `${chunkedOk}5\r\nhello!\r\n0\r\n\r\n`, "registry.bad-response"],
  [
    "a control character in an extension",
    `${chunkedOk}5;a\0\r\nhello\r\n0\r\n\r\n`,
    "registry.bad-response",
  ],
  [
    "a very long extension",
    `${chunkedOk}5;${"a".repeat(5000)}\r\nhello\r\n0\r\n\r\n`,
    "registry.bad-response",
  ],
  ["a malformed trailer", `${chunkedOk}5\r\nhello\r\n0\r\nx y: 1\r\n\r\n`, "registry.bad-response"],
  [
    "a folded trailer",
    `${chunkedOk}5\r\nhello\r\n0\r\nx: 1\r\n 2\r\n\r\n`,
    "registry.bad-response",
  ],
  [
    "trailers without end",
    `${chunkedOk}5\r\nhello\r\n0\r\n${"x: 1\r\n".repeat(12000)}`,
    "registry.bad-response",
  ],
  ["a body that is cut short", `${ok}Content-Length: 10\r\n\r\nhello`, "registry.connection-lost"],
  ["a body of which nothing comes", `${ok}Content-Length: 10\r\n\r\n`, "registry.connection-lost"],
  ["chunks cut in the data", `${chunkedOk}5\r\nhel`, "registry.connection-lost"],
  ["chunks cut in a size", `${chunkedOk}5\r\nhello\r\n1`, "registry.connection-lost"],
  ["chunks without the last", `${chunkedOk}5\r\nhello\r\n`, "registry.connection-lost"],
  ["chunks cut in the trailers", `${chunkedOk}5\r\nhello\r\n0\r\n`, "registry.connection-lost"],
];

for (const [name, response, code] of broken) {
  test(`request() gives what came and then throws at ${name}`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.send(response);
      peer.socket.end();
      await peer.closed();
    });
    await using client = testClient();
    await using response_ = await ask(client, server.origin);
    assert.equal(await codeOf(textOf(response_)), code);
  });
}

const noHead: readonly (readonly [name: string, response: string, code: string])[] = [
  ["nothing", "", "registry.connection-lost"],
  ["half a status line", "HTTP/1.1 20", "registry.connection-lost"],
  ["half a header block", `${ok}A: b\r\n`, "registry.connection-lost"],
  ["an interim response only", "HTTP/1.1 100 Continue\r\n\r\n", "registry.connection-lost"],
  ["a protocol switch", "HTTP/1.1 101 Switching\r\n\r\n", "registry.bad-response"],
  [
    "endless interim responses",
    "HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
    "registry.bad-response",
  ],
  [
    "both framings",
    `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello`,
    "registry.bad-response",
  ],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "registry.bad-response"],
  ["another protocol in binary", "\x15\x03\x01\0\x02\x02\x46", "registry.bad-response"],
  ["an endless header block", `${ok}${"A: b\r\n".repeat(20000)}`, "registry.bad-response"],
];

for (const [name, response, code] of noHead) {
  test(`request() throws where the server answers with ${name}`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.send(response);
      peer.socket.end();
      await peer.closed();
    });
    await using client = testClient();
    assert.equal(await codeOf(ask(client, server.origin)), code);
    assert.equal(server.connections, 1, "nothing was asked twice");
  });
}

test("request() gives a body without framing whole, and says that its end is not told", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(`${ok}\r\nhello`);
    peer.socket.end();
  });
  await using client = testClient();
  const response = await ask(client, server.origin);
  assert.equal(response.framing, "close");
  assert.equal(await textOf(response), "hello");
});

test("request() closes a connection on which bytes follow the response", async () => {
  const responses = `${ok}Content-Length: 2\r\n\r\nhi`;
  await using server = await scriptedServer(answering(`${responses}${responses}`));
  await using client = testClient();
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(server.connections, 2);
});

test("request() closes a resting connection on which bytes come", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(`${ok}Content-Length: 2\r\n\r\nhi`);
    await turn();
    await peer.send(`${ok}Content-Length: 4\r\n\r\nevil`);
    await peer.closed();
  });
  await using client = testClient();
  assert.equal(await get(client, server.origin), "hi");
  while (server.open > 0) await turn();
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(server.connections, 2);
});

test("request() gives HEAD, 204 and 304 no body and goes on with the connection", async () => {
  const heads = [
    `${ok}Content-Length: 5\r\n\r\n`,
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  ];
  await using server = await scriptedServer(async (peer) => {
    for (const head of heads) {
      await peer.head();
      await peer.send(head);
    }
    await peer.closed();
  });
  await using client = testClient();
  assert.equal(await textOf(await ask(client, server.origin, { method: "HEAD" })), "");
  assert.equal(await get(client, server.origin), "");
  assert.equal(await get(client, server.origin), "");
  assert.equal(server.connections, 1);
});

test("body is given once", async () => {
  await using server = await scriptedServer(answering(`${ok}Content-Length: 2\r\n\r\nhi`));
  await using client = testClient();
  const response = await ask(client, server.origin);
  assert.equal(await textOf(response), "hi");
  assert.throws(() => response.body[Symbol.asyncIterator](), { code: "content.taken-twice" });
});

/** Bytes that differ everywhere, so that one overwritten or missing shows. */
function patterned(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
  return bytes;
}

for (const lane of ["metadata", "blob"] as const) {
  for (const coded of [false, true]) {
    test(`body leaves the last two chunks alone, ${lane}, ${coded ? "chunked" : "sized"}`, async () => {
      const content = patterned(6 * 1024 * 1024);
      await using server = await scriptedServer(async (peer) => {
        await peer.head();
        await peer.send(coded ? chunkedOk : `${ok}Content-Length: ${content.byteLength}\r\n\r\n`);
        for (let at = 0; at < content.byteLength; at += 100_000) {
          const piece = content.subarray(at, at + 100_000);
          if (coded) await peer.send(`${piece.byteLength.toString(16)}\r\n`);
          await peer.send(piece);
          if (coded) await peer.send("\r\n");
        }
        if (coded) await peer.send("0\r\n\r\n");
        await peer.closed();
      });
      await using client = testClient();
      await using response = await ask(client, server.origin, { lane });
      // Judge each chunk only when the next two were given: what it held must still be there.
      const hash = createHash("sha256");
      const held: Uint8Array[] = [];
      for await (const chunk of response.body) {
        held.push(chunk);
        if (held.length % 7 === 0) await turn();
        if (held.length > 2) hash.update(held.shift() ?? chunk);
      }
      for (const chunk of held) hash.update(chunk);
      assert.equal(hash.digest("hex"), createHash("sha256").update(content).digest("hex"));
    });
  }
}

test("body makes the server wait for a slow reader, with bounded memory", async () => {
  const size = 512 * 1024 * 1024;
  let sent = 0;
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(`${ok}Content-Length: ${size}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024);
    for (; sent < size; sent += piece.byteLength) await peer.send(piece);
  });
  await using client = testClient();
  const before = process.memoryUsage().arrayBuffers;
  await using response = await ask(client, server.origin, { lane: "blob" });
  let read = 0;
  let last = -1;
  for await (const chunk of response.body) {
    read += chunk.byteLength;
    if (read > 16 * 1024 * 1024) break;
    while (last !== sent) {
      last = sent; // until the server is stuck
      for (let turns = 0; turns < 5; turns++) await turn();
    }
  }
  const ahead = sent - read;
  assert.ok(ahead < 32 * 1024 * 1024, `${ahead} bytes were sent ahead of the reader`);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 16 * 1024 * 1024, `memory grew by ${grown} bytes`);
});

test("body of a response that was disposed of never seems to end", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(`${ok}Content-Length: 10\r\n\r\nhello`);
    await peer.closed();
  });
  await using client = testClient();
  for (const waits of [false, true]) {
    const response = await ask(client, server.origin);
    const body = response.body[Symbol.asyncIterator]();
    assert.equal((await body.next()).value?.byteLength, 5);
    const early = waits ? body.next() : undefined;
    await response[Symbol.asyncDispose]();
    await assert.rejects(early ?? body.next(), { code: "registry.connection-lost" });
  }
});
