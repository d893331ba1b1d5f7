import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { assembleAccess } from "../../../src/cli/serve/assemble-access.ts";
import type { AssemblyBase } from "../../../src/cli/serve/assemble-server.ts";
import type { RequestEvent, ServerEvent } from "../../../src/server/server-event.ts";
import { type Served, startServed } from "../../support/server/served.ts";
import { tempFolder } from "../../support/temp.ts";
import { undisturbed } from "../../support/undisturbed.ts";

/** What a raw connection is answered. */
async function raw({ host }: Served, head: string): Promise<string> {
  const socket = connect(Number(host.split(":")[1]), "127.0.0.1");
  socket.end(head);
  return await text(socket);
}

function requestsIn({ events }: Served): RequestEvent[] {
  return events.filter((event) => event.type === "request");
}

test("everything answers where it should, and says what browsers must not do", async () => {
  await using served = await startServed({ yaml: "upstreams: [{name: a.example, alias: hub}]" });
  const statuses: readonly (readonly [string, number])[] = [
    ["/healthz", 200],
    ["/readyz", 200],
    ["/metrics", 200],
    ["/api/v1/openapi.json", 200],
    ["/v2", 200],
    ["/v2/", 200],
    ["/v2/team/x/tags/list", 404],
    ["/v2x", 404],
    ["/", 200],
    ["/page/page.css", 200],
    ["/page/none.js", 404],
    ["/sigstore/x", 404],
    ["/healthz/", 404],
    ["/api/v1/jobs/%zz", 400],
    [`/api/v1/jobs/${"a".repeat(1100)}`, 414],
  ];
  for (const [path, status] of statuses) {
    const answer = await fetch(`${served.url}${path}`);
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", path);
    assert.doesNotMatch(await answer.text(), /FST_/, path);
  }
  const { headers } = await fetch(`${served.url}/healthz`);
  assert.equal(headers.get("x-frame-options"), "DENY");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("strict-transport-security"), null);
});

test("a method that a path does not take is answered 405 with those that it does", async () => {
  await using served = await startServed();
  const rows: readonly (readonly [method: string, path: string, status: number, allow?: string])[] =
    [
      ["OPTIONS", "/", 405, "GET, HEAD"],
      ["POST", "/healthz?x", 405, "GET, HEAD"],
      ["PUT", "/api/v1/session", 405, "DELETE, GET, HEAD, POST"],
      ["PATCH", "/api/v1/jobs", 405, "GET, HEAD, POST"],
      ["PUT", "/api/v1/jobs/x", 405, "DELETE, GET, HEAD"],
      ["POST", "/api/v1/jobs/x/events", 405, "GET"],
      ["HEAD", "/api/v1/jobs", 200],
      ["PUT", "/api/v1/jobs/x/y", 404],
    ];
  for (const [method, path, status, allow = null] of rows) {
    const answer = await fetch(`${served.url}${path}`, { method });
    assert.equal(answer.status, status, `${method} ${path}`);
    assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
    await answer.arrayBuffer();
  }
});

test("figures count requests, by operation and status", async () => {
  await using served = await startServed();
  await fetch(`${served.url}/v2/a/blobs/uploads/`, { method: "POST" });
  for (const path of ["/v2/", "/v2/", "/v2/a/manifests/b", "/healthz"])
    await (await fetch(`${served.url}${path}`)).text();
  const figures = await (await fetch(`${served.url}/metrics`)).text();
  assert.match(figures, /^amphora_requests_total\{operation="ping",status="200"\} 2$/m);
  assert.match(figures, /^amphora_requests_total\{operation="read-manifest",status="404"\} 1$/m);
  assert.match(figures, /^amphora_requests_total\{operation="health",status="200"\} 1$/m);
  assert.match(figures, /^amphora_open_uploads 1$/m);
  assert.match(figures, /^process_resident_memory_bytes \d+$/m);
});

test("figures have a listener of their own where one is set", async () => {
  await using served = await startServed({ yaml: "metrics: {listen: '127.0.0.1:0'}" });
  const [figures = ""] = served.server.metricsUrls;
  assert.equal((await fetch(`${figures}/metrics`)).status, 200);
  assert.equal((await fetch(`${figures}/readyz`)).status, 200);
  assert.equal((await fetch(`${figures}/v2/`)).status, 404);
  assert.equal((await fetch(`${served.url}/metrics`)).status, 404);
});

test("requests that two servers could read differently are refused", async () => {
  await using served = await startServed();
  const bad = [
    "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\nabc",
    "GET /v2/ HTTP/1.1\r\n\r\n",
    "GET /v2/ HTTP/1.1\r\nHost : x\r\n\r\n",
    "GET ftp://x/v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
  ];
  for (const head of bad) assert.match(await raw(served, head), /^HTTP\/1\.1 4\d\d /, head);
  const absolute = "GET http://x.example/v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  assert.match(await raw(served, absolute), /^HTTP\/1\.1 200 /);
});

test("what comes through a proxy, or from a browser's page, is not from this machine", async () => {
  await using served = await startServed();
  const upload = (headers: Record<string, string>) =>
    fetch(`${served.url}/v2/a/blobs/uploads/`, { method: "POST", headers });
  assert.equal((await upload({})).status, 202);
  for (const name of ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Origin", "Sec-Fetch-Site"])
    assert.equal((await upload({ [name]: "x" })).status, 401, name);
});

test("nothing but a socket makes way for a unix socket", async () => {
  await using folder = await tempFolder();
  const file = folder.in("kept");
  writeFileSync(file, "kept");
  for (const [path, why] of [
    [file, /the address is in use$/],
    [folder.path, /the address is in use$/],
    [folder.in("nowhere/socket"), /no such folder$/],
  ] as const)
    await assert.rejects(() => startServed({ listen: [`unix:${path}`] }), {
      code: "server.cannot-listen",
      message: why,
    });
  assert.equal(readFileSync(file, "utf8"), "kept");
});

test("several addresses are listened on, a unix socket among them, which a killed server may have left", async () => {
  await using folder = await tempFolder();
  const path = folder.in("s.sock");
  const listen = ["127.0.0.1:0", "127.0.0.1:0", `unix:${path}`];
  await using one = await startServed({ listen });
  const [first = "", second = "", third] = one.server.urls;
  assert.notEqual(first, second);
  assert.equal(third, `unix:${path}`);
  for (const url of [first, second]) assert.equal((await fetch(`${url}/v2/`)).status, 200);
  assert.equal((await overSocket(path, "/v2/")).statusCode, 200);
  await assert.rejects(() => startServed({ listen: [`unix:${path}`] }), {
    code: "server.cannot-listen",
  });
  await assert.rejects(() => startServed({ listen: [first.replace("http://", "")] }), {
    code: "server.cannot-listen",
  });
});

test("a socket that nobody listens on any more is taken over", async () => {
  await using folder = await tempFolder();
  const path = folder.in("dead.sock");
  // A descriptor that is closed without unlinking the name: what SIGKILL leaves.
  const { link } = await import("node:fs/promises");
  const left = createServer().listen(folder.in("live.sock"));
  await once(left, "listening");
  await link(folder.in("live.sock"), path);
  left.close();
  assert.ok(statSync(path).isSocket());
  await using _served = await startServed({ listen: [`unix:${path}`] });
  assert.equal((await overSocket(path, "/healthz")).statusCode, 200);
});

async function overSocket(socketPath: string, path: string): Promise<IncomingMessage> {
  const asked = request({ socketPath, path }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  return answer;
}

/** Begins an upload, and sends the first half of `bytes`. */
async function halfAnUpload(served: Served, agent: Agent, bytes: Buffer) {
  const begun = await fetch(`${served.url}/v2/team/x/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", served.url);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  place.searchParams.set("digest", digest);
  const headers = { "Content-Length": bytes.length, Expect: "100-continue" };
  const put = request(place, { method: "PUT", headers, agent });
  put.flushHeaders();
  await once(put, "continue");
  put.write(bytes.subarray(0, bytes.length / 2));
  return { put, digest };
}

test("stopping lets an upload come to its end, closes what idles, and takes nothing more", async () => {
  await using served = await startServed();
  const agent = new Agent({ keepAlive: true });
  const bytes = Buffer.alloc(200_000, "x");
  const { put } = await halfAnUpload(served, agent, bytes);
  const idle = connect(Number(served.host.split(":")[1]), "127.0.0.1");
  idle.write("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(String((await once(idle, "data"))[0]), /^HTTP\/1\.1 200 /);
  const stopping = served.stop();
  await once(idle.resume(), "end");
  await assert.rejects(() => fetch(`${served.url}/v2/`));
  put.end(bytes.subarray(bytes.length / 2));
  const [answer] = (await once(put, "response")) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 201);
  assert.equal(await stopping, 0);
  agent.destroy();
  assert.equal(requestsIn(served).at(-1)?.status, 201);
});

test("what does not end in time is cut off, and counted", async () => {
  await using served = await startServed({ yaml: "shutdown: {within: 50ms}" });
  const agent = new Agent();
  const { put } = await halfAnUpload(served, agent, Buffer.alloc(200_000, "x"));
  const broken = once(put, "error");
  assert.equal(await served.stop(), 1);
  await broken;
});

test("while it is announced that the server ends, it serves, and says that it is not ready", async () => {
  await undisturbed(500, async () => {
    await using served = await startServed({ yaml: "shutdown: {announce: 2s}" });
    const stopping = served.stop();
    const answer = await fetch(`${served.url}/readyz`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("connection"), "close");
    assert.equal(await answer.text(), "about to end\n");
    assert.equal((await fetch(`${served.url}/v2/`)).status, 200);
    await stopping;
  });
});

test("what was pushed is there after the next start, and the audit log tells of both", async () => {
  await using folder = await tempFolder();
  {
    await using served = await startServed({ folder });
    const bytes = Buffer.from("hello");
    const { put, digest } = await halfAnUpload(served, new Agent(), bytes);
    put.end(bytes.subarray(bytes.length / 2));
    const [answer] = (await once(put, "response")) as [IncomingMessage];
    answer.resume();
    writeFileSync(folder.in("digest"), digest);
  }
  await using served = await startServed({ folder });
  const { readFileSync } = await import("node:fs");
  const digest = readFileSync(folder.in("digest"), "utf8");
  const blob = await fetch(`${served.url}/v2/team/x/blobs/${digest}`);
  assert.equal(await blob.text(), "hello");
  await served.stop();
  const lines = readFileSync(folder.in("data", "audit", "audit.jsonl"), "utf8")
    .trim()
    .split("\n");
  const types = lines.map((line) => JSON.parse(line).type);
  assert.deepEqual(
    types.filter((type) => type === "started" || type === "stopped"),
    ["started", "stopped", "started", "stopped"],
  );
});

test("signatures are served alone where they alone are wanted", async () => {
  await using served = await startServed({ only: "signatures" });
  assert.equal((await fetch(`${served.url}/v2/`)).status, 404);
  const digest = "0".repeat(64);
  const missing = await fetch(`${served.url}/team/x@sha256=${digest}/signature-1`);
  assert.equal(missing.status, 404);
  const list = await fetch(`${served.url}/extensions/v2/team/x/signatures/sha256:${digest}`);
  assert.deepEqual(await list.json(), { signatures: [] });
  assert.equal((await fetch(`${served.url}/healthz`)).status, 200);
});

test("a data folder that cannot be used is told of by its name, and is no fault of ours", async () => {
  await using folder = await tempFolder();
  const path = folder.in("data", "audit");
  mkdirSync(folder.in("data"));
  writeFileSync(path, "");
  await assert.rejects(() => startServed({ folder }), {
    code: "server.bad-file",
    message: `Cannot keep anything in ${folder.in("data")}: mkdir ${path}: file exists`,
  });
  rmSync(path);
  mkdirSync(folder.in("data", "admission"));
  writeFileSync(folder.in("data", "admission", "blocked.sqlite"), "no database, of any kind");
  await assert.rejects(() => startServed({ folder }), { code: "admission.unusable-file" });
});

test("what lets nobody in is warned of at the start", async () => {
  const requirement = { type: "signedBy", keyType: "GPGKeys", keyPath: "/nowhere/key.gpg" };
  const files = { "policy.json": JSON.stringify({ default: [requirement] }) };
  await using served = await startServed({ yaml: "admission: {policy: policy.json}", files });
  const warnings = warningsOf(served.events);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /open \/nowhere\/key\.gpg/);
  const events: ServerEvent[] = [];
  const settings = {
    ...served.settings,
    listen: [{ type: "tcp", host: "0.0.0.0", port: 0 } as const],
  };
  const report = (event: ServerEvent) => void events.push(event);
  const base = { settings, report, now: Date.now } as unknown as AssemblyBase;
  await assembleAccess(base, new AsyncDisposableStack());
  assert.match(warningsOf(events)[0] ?? "", /say in access who may/);
});

function warningsOf(events: readonly ServerEvent[]): readonly string[] {
  return events.flatMap((event) =>
    event.type === "message" && event.level === "warn" ? [event.text] : [],
  );
}
