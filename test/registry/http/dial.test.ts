import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { addressOf } from "../../../src/registry/http/dial.ts";
import {
  dialError,
  hostPort,
  lookupError,
  lostError,
} from "../../../src/registry/http/socket-error.ts";
import { ask, get, testClient } from "./asking.ts";
import { answering, scriptedServer } from "./scripted-server.ts";

const hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

const addresses: readonly (readonly [string, string, number])[] = [
  ["http://a.example", "a.example", 80],
  ["https://a.example", "a.example", 443],
  ["https://a.example:80", "a.example", 80],
  ["http://[::1]:5000", "::1", 5000],
  ["socks5://a.example", "a.example", 1080],
  ["socks5h://a.example:9", "a.example", 9],
];

for (const [url, host, port] of addresses) {
  test(`addressOf() ${url}`, () => assert.deepEqual(addressOf(new URL(url)), { host, port }));
}

test("request() finds a server that listens on one of a name's addresses only", async () => {
  await using server = await scriptedServer(answering(hi));
  await using client = testClient();
  assert.equal(await get(client, `http://localhost:${server.port}/`), "hi");
  assert.equal(server.connections, 1);
});

test("request() reaches a server on ::1", async (t) => {
  const server = createServer((socket) => socket.end(hi));
  server.listen(0, "::1");
  const [event] = await Promise.race([
    once(server, "listening").then(() => ["listening"]),
    once(server, "error").then(() => ["error"]),
  ]);
  if (event === "error") return t.skip("no IPv6 here");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await using client = testClient();
  assert.equal(await get(client, `http://[::1]:${port}/`), "hi");
  server.close();
});

const unreachable: readonly (readonly [
  url: string,
  message: RegExp,
  syscallCode: string,
  retryable: boolean,
])[] = [
  [
    "http://127.0.0.1:1/",
    /^dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
    "ECONNREFUSED",
    true,
  ],
  [
    "https://127.0.0.1:1/",
    /^dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
    "ECONNREFUSED",
    true,
  ],
  [
    "http://nosuch.invalid/",
    /^dial tcp: lookup nosuch\.invalid( on \S+:\d+)?: no such host$/,
    "ENOTFOUND",
    false,
  ],
];

for (const [url, message, syscallCode, retryable] of unreachable) {
  test(`request() to ${url} says what is wrong`, async (t) => {
    await using client = testClient();
    const error: unknown = await ask(client, url).catch((thrown: unknown) => thrown);
    if (error instanceof Error && "syscallCode" in error && error.syscallCode === "EAI_AGAIN") {
      return t.skip("no name server here");
    }
    assert.throws(
      () => {
        throw error;
      },
      { code: "registry.unreachable", phase: "connect", message, syscallCode, retryable },
    );
  });
}

test("request() refuses a URL that is not HTTP's", async () => {
  await using client = testClient();
  await assert.rejects(ask(client, "ftp://a.example/"), {
    code: "registry.unreachable",
    message: 'unsupported protocol scheme "ftp"',
  });
});

/** Listens, and never accepts: once its queue is full, connecting hangs. */
const deafServer = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

test("request() gives up on an address that does not answer, or when called off", async () => {
  const deaf = spawn(process.execPath, ["-e", deafServer], { stdio: ["ignore", "pipe", "ignore"] });
  const [output] = await once(deaf.stdout, "data");
  const port = Number(output);
  const fillers = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await pause(100);
  await using client = testClient({ timeouts: { connectMs: 100 } });
  const abort = new AbortController();
  setTimeout(() => abort.abort("off"), 30);
  for (const scheme of ["http", "https"]) {
    const url = `${scheme}://127.0.0.1:${port}/`;
    await assert.rejects(ask(client, url), {
      code: "registry.timed-out",
      message: `dial tcp 127.0.0.1:${port}: i/o timeout`,
      phase: "connect",
    });
    const asked = ask(client, url, { signal: abort.signal });
    await assert.rejects(asked, (error) => error === "off");
  }
  for (const filler of fillers) filler.destroy();
  deaf.kill("SIGKILL");
  await once(deaf, "exit");
});

const ends = { local: "127.0.0.1:4", remote: hostPort("::1", 5) };
const system = (code: string, syscall?: string) =>
  Object.assign(new Error(`${syscall} ${code}`), { code, ...(syscall && { syscall }) });

/** As skopeo prints them after `Get "URL": `. */
const texts: readonly (readonly [Error, string])[] = [
  [
    lostError(system("ECONNRESET", "read"), "head", ends),
    "read tcp 127.0.0.1:4->[::1]:5: read: connection reset by peer",
  ],
  [
    lostError(system("EPIPE", "write"), "send", ends),
    "write tcp 127.0.0.1:4->[::1]:5: write: broken pipe",
  ],
  [lostError(system("ECONNRESET"), "head", ends), "EOF"],
  [dialError(system("EHOSTUNREACH", "connect"), "a:1"), "dial tcp a:1: connect: no route to host"],
  [
    dialError(system("ENETUNREACH", "connect"), "a:1"),
    "dial tcp a:1: connect: network is unreachable",
  ],
  [dialError(system("ETIMEDOUT", "connect"), "a:1"), "dial tcp a:1: connect: connection timed out"],
  [
    lookupError(system("EAI_AGAIN"), "a", "9.9.9.9:53"),
    "dial tcp: lookup a on 9.9.9.9:53: server misbehaving",
  ],
  [lookupError(system("ENOTFOUND"), "a", undefined), "dial tcp: lookup a: no such host"],
];

for (const [error, message] of texts) {
  test(`message ${message}`, () => assert.equal(error.message, message));
}
