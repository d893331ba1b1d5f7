import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { call, withQuery } from "../../support/server/client.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { exchangeRaw, openRaw } from "../../support/server/raw-socket.ts";
import { startV2Server } from "../../support/server/v2-server.ts";
import { undisturbed } from "../../support/undisturbed.ts";

const host = "Host: registry.test\r\n";
const close = "Connection: close\r\n";
const hidden = "GET /v2/hidden/tags/list HTTP/1.1\r\nHost: registry.test\r\n\r\n";

/** Requests that two programs would end at different bytes, or read in different ways: one answer, and the end. */
const smuggled: Record<string, string> = {
  "both lengths": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "both, the other way round": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`,
  "two lengths": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 90\r\n\r\n${hidden}`,
  "a list of lengths": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 0, 0\r\n\r\n${hidden}`,
  "a signed length": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: +0\r\n\r\n${hidden}`,
  "a length in hex": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 0x0\r\n\r\n${hidden}`,
  "a huge length": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Length: 99999999999999999999999\r\n\r\n${hidden}`,
  "an odd coding": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
  "a coding before the name's colon": `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "a folded header": `GET /v2/ HTTP/1.1\r\n${host}X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "bare line feeds": `GET /v2/ HTTP/1.1\n${host}X: y\nContent-Length: 0\n\n${hidden}`,
  "a bare carriage return": `GET /v2/ HTTP/1.1\r\n${host}X: a\rContent-Length: 90\r\n\r\n${hidden}`,
  "a NUL in a header": `GET /v2/ HTTP/1.1\r\n${host}X: a\0b\r\n\r\n${hidden}`,
  "a NUL in the path": `GET /v2/a\0/tags/list HTTP/1.1\r\n${host}\r\n${hidden}`,
  "a space in the path": `GET /v2/a b/tags/list HTTP/1.1\r\n${host}\r\n${hidden}`,
  "no version": `GET /v2/\r\n\r\n${hidden}`,
  "another protocol": `GET /v2/ HTTP/3.0\r\n${host}\r\n${hidden}`,
  "chunks with odd sizes": `PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n${hidden}`,
  "chunks ended by line feeds": `PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n${hidden}`,
};

for (const [what, request] of Object.entries(smuggled)) {
  test(`a request with ${what} is refused, and nothing behind it is answered`, async () => {
    await using server = await startV2Server();
    const { text, statuses } = await exchangeRaw(server.port, request);
    assert.ok(statuses.length <= 1, text);
    assert.ok(
      statuses.every((status) => status === 400 || status === 505),
      text,
    );
    const asked = server.events.map(({ repository }) => repository);
    assert.ok(!asked.includes("registry.test/hidden"));
  });
}

const odd: Record<string, [request: string, status: number]> = {
  "an absolute target": [`GET http://registry.test/v2/ HTTP/1.1\r\n${host}${close}\r\n`, 400],
  "another's absolute target": [
    `GET http://a.test/v2/a/tags/list HTTP/1.1\r\n${host}${close}\r\n`,
    400,
  ],
  "no host": ["GET /v2/ HTTP/1.1\r\n\r\n", 400],
  "two hosts": [`GET /v2/ HTTP/1.1\r\n${host}Host: b.test\r\n${close}\r\n`, 400],
  "two namespaces": [
    `GET /v2/a/tags/list HTTP/1.1\r\n${host}OCI-Namespace: a.test\r\noci-namespace: b.test\r\n${close}\r\n`,
    400,
  ],
  "two users": [
    `GET /v2/ HTTP/1.1\r\n${host}Authorization: Basic YTph\r\nAuthorization: Basic Yjpi\r\n${close}\r\n`,
    400,
  ],
  "two content types": [
    `PUT /v2/a/manifests/1 HTTP/1.1\r\n${host}Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n${close}\r\n`,
    400,
  ],
  "a gzip body": [
    `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Content-Encoding: gzip\r\nContent-Length: 0\r\n${close}\r\n`,
    415,
  ],
  "a coding that we do not undo": [
    `POST /v2/a/blobs/uploads/ HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n${close}\r\n0\r\n\r\n`,
    400,
  ],
  "an escape of a slash": [`GET /v2/a%2fb/tags/list HTTP/1.1\r\n${host}${close}\r\n`, 400],
  "a method of another kind": [`BREW /v2/ HTTP/1.1\r\n${host}${close}\r\n`, 400],
  "headers without end": [`GET /v2/ HTTP/1.1\r\n${host}X: ${"x".repeat(70_000)}\r\n\r\n`, 431],
};

for (const [what, [request, status]] of Object.entries(odd)) {
  test(`a request with ${what} is answered ${status}`, async () => {
    await using server = await startV2Server();
    const { statuses, text } = await exchangeRaw(server.port, request);
    assert.deepEqual(statuses, [status], text);
  });
}

test("a header that a client sends cannot become one of ours", async () => {
  await using server = await startV2Server();
  const location = await begin(server.origin, "/v2/a/blobs/uploads/?ns=x%0d%0aSet-Cookie:y");
  assert.equal(location, undefined);
  assert.equal(
    await begin(server.origin, "/v2/a/blobs/uploads/?ns=b.test"),
    "/v2/a/blobs/uploads/upload-1?ns=b.test",
  );
});

async function begin(origin: string, path: string): Promise<string | undefined> {
  return (await call(origin, "POST", path, { body: "" })).headers.location;
}

test("a manifest that says it is too long is refused before it comes", async () => {
  await using server = await startV2Server();
  const { socket, headers } = openRaw(server.port);
  const length = 4 * 1024 * 1024 + 1;
  socket.write(`PUT /v2/a/manifests/1 HTTP/1.1\r\n${host}Content-Length: ${length}\r\n\r\n`);
  const answer = await headers();
  assert.match(answer, /^HTTP\/1\.1 413/);
  assert.match(answer, /^Connection: close$/m);
  socket.destroy();
});

test("a manifest that turns out too long is refused, and its client gets to know", async () => {
  await using server = await startV2Server();
  const body = Buffer.alloc(4 * 1024 * 1024 + 1, " ");
  const answer = await call(server.origin, "PUT", "/v2/a/manifests/1", { body, chunked: true });
  assert.equal(answer.status, 413);
  assert.equal(answer.code, "SIZE_INVALID");
});

test("a manifest of exactly 4 MiB is taken", async () => {
  await using server = await startV2Server();
  const start = `{"schemaVersion":2,"mediaType":"${mediaTypes.ociIndex}","manifests":[],"x":"`;
  const body = `${start}${"x".repeat(4 * 1024 * 1024 - start.length - 2)}"}`;
  const headers = { "Content-Type": mediaTypes.ociIndex };
  const path = "/v2/a/manifests/1";
  assert.equal((await call(server.origin, "PUT", path, { body, headers })).status, 201);
});

test("a blob above the limit is refused in every way of pushing it", async () => {
  await using server = await startV2Server({ limits: { maxBlobBytes: 1000 } });
  const body = Buffer.alloc(1001);
  const { origin } = server;
  const digest = digestOf(body);
  const whole = `/v2/a/blobs/uploads/?digest=${digest}`;
  for (const chunked of [false, true]) {
    assert.equal((await call(origin, "POST", whole, { body, chunked })).status, 413);
    const patch = (await begin(origin, "/v2/a/blobs/uploads/")) ?? "";
    assert.equal((await call(origin, "PATCH", patch, { body, chunked })).status, 413);
    const put = withQuery((await begin(origin, "/v2/a/blobs/uploads/")) ?? "", `digest=${digest}`);
    assert.equal((await call(origin, "PUT", put, { body, chunked })).status, 413);
  }
});

test("who asks before sending is told to go on only where it may", async () => {
  await using server = await startV2Server({ limits: { maxBlobBytes: 1000 } });
  const expecting = `${host}Expect: 100-continue\r\n`;
  const refused = openRaw(server.port);
  refused.socket.write(
    `PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\n${expecting}Content-Length: 5000\r\n\r\n`,
  );
  assert.match(await refused.headers(), /^HTTP\/1\.1 4(?:04|13)/);
  refused.socket.destroy();
  const location = await begin(server.origin, "/v2/a/blobs/uploads/");
  const taken = openRaw(server.port);
  taken.socket.write(`PATCH ${location} HTTP/1.1\r\n${expecting}Content-Length: 5\r\n\r\n`);
  assert.match(await taken.headers(), /^HTTP\/1\.1 100/);
  taken.socket.write("12345");
  assert.match(await taken.headers(), /^HTTP\/1\.1 202/);
  taken.socket.destroy();
});

test("an upload that is cut off keeps what came, and goes on from there", async () => {
  const backend = new MemoryBackend();
  await using server = await startV2Server({ backendOf: () => backend });
  const location = (await begin(server.origin, "/v2/a/blobs/uploads/")) ?? "";
  const { socket } = openRaw(server.port);
  socket.write(`PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 100\r\n\r\n0123456789`);
  while (backend.uploads.get("upload-1")?.bytes.length !== 10) await nextTurn();
  socket.destroy();
  const event = await server.ended(({ operation }) => operation === "append-upload");
  assert.equal(event.complete, false);
  assert.equal(server.messages.length, 0);
  const status = await call(server.origin, "GET", location);
  assert.equal(status.headers.range, "0-9");
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

test("a client that never ends its headers is ended", async () => {
  const options = { headersTimeout: 500, connectionsCheckingInterval: 100 };
  await using server = await startV2Server({}, options);
  const { socket, closed } = openRaw(server.port);
  socket.write(`GET /v2/ HTTP/1.1\r\n${host}`);
  const drip = setInterval(() => socket.write("X-A: b\r\n"), 50);
  socket.resume();
  await closed;
  clearInterval(drip);
  assert.deepEqual(server.events, []);
});

test("a client that stops in the middle of its body is ended, and one that goes on slowly is not", async () => {
  const limits = { idleMs: 4000 };
  await using server = await startV2Server({ limits });
  const location = (await begin(server.origin, "/v2/a/blobs/uploads/")) ?? "";
  const stalled = openRaw(server.port);
  stalled.socket.write(
    `PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 100\r\n\r\n0123456789`,
  );
  stalled.socket.resume();
  const other = (await begin(server.origin, "/v2/a/blobs/uploads/")) ?? "";
  const slow = openRaw(server.port);
  slow.socket.write(`PATCH ${other} HTTP/1.1\r\n${host}Content-Length: 12\r\n\r\n`);
  const drip = setInterval(() => slow.socket.write("x"), 400);
  const answered = slow.headers().finally(() => clearInterval(drip));
  await stalled.closed;
  assert.match(await answered, /^HTTP\/1\.1 202/);
  slow.socket.destroy();
});

test("a client that stops reading is ended, and its blob closed", async () => {
  const backend = new MemoryBackend();
  const bytes = Buffer.alloc(30_000_000);
  const closed = Promise.withResolvers<void>();
  backend.openBlob = async () => ({
    size: bytes.length,
    async *read({ start, end }) {
      for (let at = start; at < end; at += 65_536)
        yield bytes.subarray(at, Math.min(at + 65_536, end));
    },
    async [Symbol.asyncDispose]() {
      closed.resolve();
    },
  });
  await using server = await startV2Server({ backendOf: () => backend, limits: { idleMs: 500 } });
  const { socket, headers } = openRaw(server.port);
  socket.write(`GET /v2/a/blobs/${digestOf(bytes)} HTTP/1.1\r\n${host}\r\n`);
  assert.match(await headers(), /^HTTP\/1\.1 200/);
  socket.pause();
  await closed.promise;
  const event = await server.ended(() => true);
  assert.equal(event.complete, false);
  socket.destroy();
});

test("a backend that takes longer than clients may is waited for", async () => {
  const backend = new MemoryBackend();
  backend.listTags = async () => {
    await new Promise((resolve) => setTimeout(resolve, 700));
    return { names: ["late"], more: false };
  };
  await undisturbed(100, async () => {
    await using server = await startV2Server({ backendOf: () => backend, limits: { idleMs: 200 } });
    const answer = await call(server.origin, "GET", "/v2/a/tags/list");
    assert.equal(answer.body.toString(), '{"name":"a","tags":["late"]}');
  });
});

test("a client that has sent in time is not ended by a server that stood still", async () => {
  const backend = new MemoryBackend();
  const parts = { backendOf: () => backend, limits: { idleMs: 2000 } };
  await using server = await startV2Server(parts);
  const location = (await begin(server.origin, "/v2/a/blobs/uploads/")) ?? "";
  const { socket, headers } = openRaw(server.port);
  socket.write(`PATCH ${location} HTTP/1.1\r\n${host}Content-Length: 20\r\n\r\n0123456789`);
  while (backend.uploads.get("upload-1")?.bytes.length !== 10) await nextTurn();
  await new Promise((resolve) => setImmediate(resolve)); // behind it come time-outs, then what was sent
  socket.write("0123456789");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
  assert.match(await headers(), /^HTTP\/1\.1 202/);
  socket.destroy();
});

test("a call's signal aborts when its client is gone", async () => {
  const backend = new MemoryBackend();
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  backend.readManifest = (_repository, _reference, call) => {
    call?.signal.addEventListener("abort", () => aborted.resolve());
    begun.resolve();
    return aborted.promise.then(() => undefined);
  };
  await using server = await startV2Server({ backendOf: () => backend });
  const { socket } = openRaw(server.port);
  socket.write(`GET /v2/a/manifests/x HTTP/1.1\r\n${host}\r\n`);
  await begun.promise;
  socket.destroy();
  await aborted.promise;
});

test("an answer before the body is read reaches a client that sends on and on", async () => {
  await using server = await startV2Server();
  const { socket, closed, headers } = openRaw(server.port);
  socket.write(
    `PATCH /v2/a/blobs/uploads/none HTTP/1.1\r\n${host}Content-Length: 900000000\r\n\r\n`,
  );
  const sending = setInterval(() => socket.write(Buffer.alloc(65_536)), 1);
  const answer = await headers();
  assert.match(answer, /^HTTP\/1\.1 404/);
  assert.match(answer, /^Connection: close$/m);
  clearInterval(sending);
  socket.end();
  socket.resume();
  await closed;
});

test("a body without an end is ended when its request has been answered", async () => {
  await using server = await startV2Server();
  const { socket, closed, headers } = openRaw(server.port);
  socket.write(`GET /v2/ HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
  assert.match(await headers(), /^HTTP\/1\.1 200/);
  const more = `1100000\r\n${" ".repeat(0x1100000)}\r\n`;
  socket.write(more);
  socket.resume();
  await closed;
});

test("requests one behind the other on a connection are answered in their order", async () => {
  await using server = await startV2Server();
  const one = `GET /v2/one/tags/list HTTP/1.1\r\n${host}\r\n`;
  const last = `GET /v2/ HTTP/1.1\r\n${host}${close}\r\n`;
  const { statuses } = await exchangeRaw(server.port, one + one + last);
  assert.deepEqual(statuses, [404, 404, 200]);
});
