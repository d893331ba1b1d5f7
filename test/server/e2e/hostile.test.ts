import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { redirect, setHeaders } from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { type CallOptions, call, locationOf, withQuery } from "../../support/server/client.ts";
import { exchangeRaw, openRaw } from "../../support/server/raw-socket.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { signerKeys } from "../../support/server/signer.ts";
import { tempFolder } from "../../support/temp.ts";
import { people } from "../admission/world.ts";

// One server, as it is shipped, with all that is hostile against it: specs/signing.md 6.8 and 6.6 (Z4–Z6), issue's list.

/** `ann:secret` and `bob:secret`, of htpasswd -nbB. */
const hash = "$2y$05$cDZ.YJO6YYemJQT2av0tJ.NYlu/5pFbyQjwZmnbjz/gh.S/QcY0Mm";
const isSoak = process.env["AMPHORA_SOAK"] === "1";
const folk = people();
const stack = new AsyncDisposableStack();
let registry: Registry;
let server: ServerProcess;
let policyFile: string;
let written: string;
let inner: { readonly port: number; readonly visits: string[] };

const settings = (upstream: Registry, lookaside: string, key: string) => `
signing:
  keys: {release: {type: key-file, file: ${key}}}
  rules: [{repositories: ["registry.example/**"], users: [ann], keys: [release]}]
name: registry.example
log: {requests: false}
access:
  htpasswd: users
  rules:
    - {users: [ann], repositories: ["a/**", "up/**", "up.example/**"], actions: [pull, push, sign]}
    - {users: [bob], repositories: ["b/**"], actions: [pull, push]}
    - {users: [anonymous], repositories: ["open/**", "up/**", "up.example/**"], actions: [pull]}
limits: {headers-within: 3s, idle-for: 5s}
upstreams: [{name: up.example, alias: up, url: "${upstream.origin}", fresh-for: 0s}]
admission:
  policy: policy.json
  decision-ttl: 1s
  refusal-ttl: 1ms
  scopes:
    - {repositories: ["up.example/strict/**"], strict-blobs: true}
    - {repositories: ["up.example/lazy/**"], instances: lazy}
    - {repositories: ["up.example/called/**"], identity: client}
    - {repositories: ["up.example/**"]}
    - {repositories: ["**"], mode: off}
signatures:
  sources: [{repositories: ["up.example/broken/**"], lookaside: "${lookaside}"}]
`;

const policy = JSON.stringify({
  default: [{ type: "insecureAcceptAnything" }],
  transports: {
    docker: {
      "registry.example/up": [{ type: "reject" }],
      "up.example": [{ type: "signedBy", keyType: "GPGKeys", keyPath: "ANN" }],
    },
  },
});

before(async () => {
  registry = stack.use(await startRegistry());
  inner = await innerServer();
  const folder = stack.use(await tempFolder());
  const keys = stack.use(await signerKeys());
  policyFile = folder.in("etc", "policy.json");
  written = policy.replace("ANN", folder.in("etc", "ann.pub"));
  server = stack.use(
    await startServerProcess({
      folder,
      yaml: settings(registry, `http://127.0.0.1:${inner.port}/sigs`, keys.keys.release.file),
      files: {
        users: `ann:${hash}\nbob:${hash}\n`,
        "ann.pub": folk.keys.ann,
        "policy.json": written,
      },
    }),
  );
});
after(async () => {
  await stack.disposeAsync();
  folk[Symbol.dispose]();
});

/** Something inside that answers 500, and counts who comes. */
async function innerServer() {
  const visits: string[] = [];
  const listener = createServer(({ url }, response) => {
    visits.push(url ?? "");
    response.writeHead(500).end("secret");
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  stack.defer(async () => {
    listener.closeAllConnections();
    listener.close();
    await once(listener, "close");
  });
  return { visits, port: (listener.address() as AddressInfo).port };
}

const basic = (user: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:secret`).toString("base64")}`,
});

/** As `user`; anonymous without one. */
function as(user: string | undefined, method: string, path: string, options: CallOptions = {}) {
  const headers = { ...(user && basic(user)), ...options.headers };
  return call(server.url, method, path, { ...options, headers });
}

async function push(user: string, repository: string, image: TestImage, tag: string) {
  for (const bytes of image.blobs.values()) await pushBlobAs(user, repository, bytes);
  return await as(user, "PUT", `/v2/${repository}/manifests/${tag}`, {
    headers: { "Content-Type": image.mediaType },
    body: image.bytes,
  });
}

async function pushBlobAs(user: string, repository: string, bytes: Uint8Array) {
  const begun = await as(user, "POST", `/v2/${repository}/blobs/uploads/`, { body: "" });
  const put = withQuery(locationOf(begun, server.url), `digest=${digestOf(bytes)}`);
  assert.equal((await as(user, "PUT", put, { body: bytes })).status, 201);
}

/** Signs by Ann, through the look-aside. */
async function sign(path: string, tag: string, digest: Digest, number = 1) {
  const { bytes } = folk.sign("ann", `up.example/${path}:${tag}`, digest) as { bytes: Uint8Array };
  const at = `/sigstore/up.example/${path}@${digest.replace(":", "=")}/signature-${number}`;
  const answer = await as("ann", "PUT", at, { body: bytes });
  assert.ok([200, 201, 204].includes(answer.status), `${answer.status} ${answer.body}`);
}

let seeds = 100;
const fresh = (layers = 1) => makeImage({ seed: ++seeds, layers, compression: "none" });

test("another tenant's content cannot be had by its digest, in any way", async () => {
  const image = fresh();
  assert.equal((await push("ann", "a/app", image, "v1")).status, 201);
  const [layer] = image.layers;
  const digest = layer?.digest ?? "";
  assert.equal((await as("ann", "GET", `/v2/a/app/blobs/${digest}`)).status, 200);
  for (const method of ["GET", "HEAD"]) {
    for (const [user, path, status] of [
      ["bob", `/v2/a/app/blobs/${digest}`, 403],
      ["bob", `/v2/b/app/blobs/${digest}`, 404],
      ["bob", "/v2/a/app/manifests/v1", 403],
      ["bob", `/v2/b/app/manifests/${image.digest}`, 404],
      ["bob", "/v2/a/app/tags/list", 403],
      ["bob", `/v2/a/app/referrers/${image.digest}`, 403],
      [undefined, `/v2/a/app/blobs/${digest}`, 401],
      [undefined, `/v2/open/app/blobs/${digest}`, 404],
    ] as const) {
      assert.equal((await as(user, method, path)).status, status, `${user} ${method} ${path}`);
    }
  }
  const mount = `/v2/b/app/blobs/uploads/?mount=${digest}&from=a/app`;
  assert.equal((await as("bob", "POST", mount, { body: "" })).status, 202, "a new upload");
  const named = await as("bob", "PUT", "/v2/b/app/manifests/stolen", {
    headers: { "Content-Type": image.mediaType },
    body: image.bytes,
  });
  assert.ok(named.status === 400 || named.status === 404, String(named.status));
  const begun = await as("ann", "POST", "/v2/a/app/blobs/uploads/", { body: "" });
  const place = locationOf(begun, server.url);
  for (const other of [place, place.replace("/v2/a/app/", "/v2/b/app/")]) {
    for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
      const { status } = await as("bob", method, other, {
        body: method === "GET" ? undefined : "",
      } as CallOptions);
      assert.ok(
        status === 403 || status === 404 || status === 400,
        `${method} ${other}: ${status}`,
      );
    }
  }
  assert.equal((await as("ann", "DELETE", place)).status, 204);
});

test("names and headers cannot be spelled around rights", async () => {
  const image = fresh();
  await push("ann", "a/secret", image, "v1");
  for (const path of [
    "/v2/b/../a/secret/manifests/v1",
    "/v2/b/%2e%2e/a/secret/manifests/v1",
    "/v2/b/..%2fa/secret/manifests/v1",
    "/v2/b/app/../../a/secret/manifests/v1",
    "/v2//a/secret/manifests/v1",
    "/v2/a//secret/manifests/v1",
    "/v2/a%2fsecret/manifests/v1",
    "/v2/A/secret/manifests/v1",
    "/v2/registry.example/a/secret/manifests/v1",
    "/v2/a/secret/manifests/v1?ns=registry.example",
    "/v2/a/secret/manifests/v1?ns=up.example&ns=registry.example",
    "/v2/a/secret/manifests/v1%00",
    "/v2/a/secret/manifests/..",
    "/V2/a/secret/manifests/v1",
    "/v2/a/secret\\manifests/v1",
    "/v2/b/app/manifests/v1/../../../../a/secret/manifests/v1",
    "/v2/a/secret/manifests/v1#",
  ]) {
    const raw = await exchangeRaw(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic("bob").Authorization}\r\nConnection: close\r\n\r\n`,
    );
    assert.ok(raw.statuses.length === 1 && (raw.statuses[0] ?? 0) >= 400, `${path}: ${raw.text}`);
    assert.ok(!raw.text.includes("schemaVersion"), path);
  }
  for (const headers of [
    { "X-Forwarded-User": "ann" },
    { "X-Remote-User": "ann" },
    { "X-Original-URL": "/v2/a/secret/manifests/v1" },
    { "X-Forwarded-For": "127.0.0.1" },
    { "X-HTTP-Method-Override": "HEAD" },
    { "OCI-Namespace": "registry.example" },
    { Host: "registry.example" },
  ]) {
    const { status } = await as("bob", "GET", "/v2/a/secret/manifests/v1", { headers });
    assert.ok(status >= 400, JSON.stringify(headers));
  }
});

test("nothing is smuggled behind a request", async () => {
  const hidden = "GET /v2/a/secret/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const post = "POST /v2/b/app/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n";
  for (const head of [
    `${post}Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n`,
    `${post}Content-Length: +5\r\n\r\nabcde`,
    `${post}Content-Length: 0x5\r\n\r\nabcde`,
    `${post}X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "GET /v2/ HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    "GET /v2/\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n",
  ]) {
    const { statuses, text } = await exchangeRaw(server.port, Buffer.from(head + hidden, "latin1"));
    assert.equal(statuses.length, 1, `${JSON.stringify(head)}: ${text}`);
    assert.equal(statuses[0], 400, `${JSON.stringify(head)}: ${text}`);
  }
});

test("slow clients are ended, and keep nobody else waiting", async () => {
  const slow = Array.from({ length: 40 }, () => openRaw(server.port));
  const ended = slow.map(({ closed }) => closed);
  for (const { socket } of slow) socket.resume().write("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  assert.equal((await as("ann", "GET", "/v2/")).status, 200);
  await Promise.all(ended);
});

test("an image without a signature does not leave by tag, by digest, nor its blobs where that is strict", async () => {
  const image = fresh();
  registry.seed("strict/app", "v1", image);
  const [layer] = image.layers;
  for (const path of [
    "/v2/up/strict/app/manifests/v1",
    `/v2/up/strict/app/manifests/${image.digest}`,
    `/v2/up/strict/app/blobs/${layer?.digest}`,
    `/v2/up/strict/app/blobs/${image.config?.digest}`,
    "/v2/strict/app/manifests/v1?ns=up.example",
  ]) {
    for (const agent of ["curl/8", "containerd/1.6.20", "docker/24"]) {
      const answer = await as(undefined, "GET", path, { headers: { "User-Agent": agent } });
      assert.equal(answer.status, 403, `${path} ${answer.body}`);
      assert.equal(answer.code, "DENIED");
      assert.ok(!answer.body.includes("schemaVersion"), path);
    }
  }
  const told = await as(undefined, "GET", "/v2/up/strict/app/manifests/v1");
  assert.match(String(told.body), /policy: A signature was required, but no signature exists/);
  await sign("strict/app", "v1", image.digest);
  assert.equal((await as(undefined, "GET", "/v2/up/strict/app/manifests/v1")).status, 200);
  const blob = await as(undefined, "GET", `/v2/up/strict/app/blobs/${layer?.digest}`);
  assert.equal(digestOf(blob.body), layer?.digest);
  registry.store.open("strict/app").tags.set("v2", image.digest);
  const other = await as(undefined, "GET", "/v2/up/strict/app/manifests/v2");
  assert.equal(other.status, 403, "signed for another tag");
});

test("a tag that its upstream moves between any two looks never lets the wrong image out", async () => {
  const good = fresh();
  const evil = fresh();
  registry.seed("app/swapped", undefined, evil);
  registry.seed("app/swapped", "v1", good);
  await sign("app/swapped", "v1", good.digest);
  const { tags } = registry.store.open("app/swapped");
  let turn = 0;
  const swap = registry.behave({
    on: (operation) => operation.kind === "manifest" && operation.repository === "app/swapped",
    times: 10_000,
    fault: {
      arrive: () => void tags.set("v1", turn++ % 3 === 0 ? good.digest : evil.digest),
      reply(reply) {
        tags.set("v1", turn++ % 2 === 0 ? good.digest : evil.digest);
        return reply;
      },
    },
  });
  const counts = { 200: 0, 403: 0 } as Record<number, number>;
  for (let round = 0; round < 15; round++) {
    const methods = ["GET", "HEAD", "GET"];
    for (const answer of await Promise.all(
      methods.map((method) => as(undefined, method, "/v2/up/app/swapped/manifests/v1")),
    )) {
      counts[answer.status] = (counts[answer.status] ?? 0) + 1;
      if (answer.status !== 200) continue;
      assert.equal(answer.headers["docker-content-digest"], good.digest);
      if (answer.body.length > 0) assert.equal(digestOf(answer.body), good.digest);
    }
  }
  swap.stop();
  assert.ok((counts[200] ?? 0) > 0 && (counts[403] ?? 0) > 0, JSON.stringify(counts));
  const direct = await as(undefined, "GET", `/v2/up/app/swapped/manifests/${evil.digest}`);
  assert.equal(direct.status, 403);
});

test("an upstream that lies about digests is believed nothing", async () => {
  const good = fresh();
  const evil = fresh();
  registry.seed("app/lies", undefined, evil);
  registry.seed("app/lies", "v1", good);
  await sign("app/lies", "v1", good.digest);
  registry.store.open("app/lies").tags.set("v1", evil.digest);
  const lie = registry.behave({
    on: (operation) => operation.repository === "app/lies",
    times: 10_000,
    fault: setHeaders({ "docker-content-digest": good.digest, etag: `"${good.digest}"` }),
  });
  for (const method of ["GET", "HEAD"]) {
    const answer = await as(undefined, method, "/v2/up/app/lies/manifests/v1");
    assert.ok(answer.status >= 400, `${method} ${answer.status}`);
  }
  lie.stop();
  const there = registry.store.open("app/lies");
  there.manifests.set(good.digest, { mediaType: evil.mediaType, bytes: evil.bytes });
  const other = await as(undefined, "GET", `/v2/up/app/lies/manifests/${good.digest}`);
  assert.ok(other.status >= 500, String(other.status));
});

test("an upstream's redirect to what is inside is not followed", async () => {
  const image = fresh();
  registry.seed("app/led", "v1", image);
  const visits = inner.visits.length;
  for (const to of [
    `http://127.0.0.1:${inner.port}/x`,
    `http://localhost:${inner.port}/x?X-Amz-Signature=1`,
    `http://[::ffff:7f00:1]:${inner.port}/x`,
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
  ]) {
    const rule = registry.behave({ on: /app\/led/, times: 100, fault: redirect(to) });
    for (const path of ["manifests/v1", `blobs/${image.layers[0]?.digest}`]) {
      const answer = await as(undefined, "GET", `/v2/up/app/led/${path}`);
      assert.ok(answer.status >= 500, `${to} ${path}: ${answer.status}`);
      assert.ok(!/secret|Signature=1/.test(String(answer.body)), String(answer.body));
    }
    rule.stop();
  }
  assert.equal(inner.visits.length, visits);
});

test("a place of signatures that fails is 503, and never unsigned", async () => {
  const image = fresh();
  registry.seed("broken/app", "v1", image);
  for (const reference of ["v1", image.digest]) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await as(undefined, method, `/v2/up/broken/app/manifests/${reference}`);
      assert.equal(answer.status, 503, String(answer.body));
      assert.ok(!String(answer.body).includes("127.0.0.1"));
    }
  }
});

test("a tag that looks like an attachment's does not let a runnable image out", async () => {
  const image = fresh();
  const subject = fresh();
  registry.seed("app/fake", undefined, subject);
  registry.seed("app/fake", `${subject.digest.replace(":", "-")}.sig`, image);
  const tag = `${subject.digest.replace(":", "-")}.sig`;
  const answer = await as(undefined, "GET", `/v2/up/app/fake/manifests/${tag}`);
  assert.equal(answer.status, 403);
});

test("an index with an unsigned platform is refused where all count, else that platform alone", async () => {
  const signed = fresh();
  const unsigned = fresh();
  const manifests = [signed, unsigned].map(({ descriptor }, at) => ({
    ...descriptor,
    platform: { os: "linux", architecture: at === 0 ? "amd64" : "arm64" },
  }));
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  for (const [name, status] of [
    ["app/index", 403],
    ["lazy/index", 200],
  ] as const) {
    for (const image of [signed, unsigned]) registry.seed(name, undefined, image);
    registry.seed(name, "v1", { blobs: new Map(), manifests: [{ mediaType, bytes }] });
    await sign(name, "v1", signed.digest);
    const at = (reference: string) => `/v2/up/${name}/manifests/${reference}`;
    assert.equal((await as(undefined, "GET", at("v1"))).status, status, name);
    assert.equal((await as(undefined, "GET", at(signed.digest))).status, 200);
    assert.equal((await as(undefined, "GET", at(unsigned.digest))).status, 403);
  }
});

test("a policy that changes decides anew without a restart", async () => {
  const image = fresh();
  registry.seed("app/flip", "v1", image);
  const get = () => as(undefined, "GET", "/v2/up/app/flip/manifests/v1");
  assert.equal((await get()).status, 403);
  const accepted = JSON.parse(written);
  accepted.transports.docker["up.example/app/flip"] = [{ type: "insecureAcceptAnything" }];
  for (const [text, status] of [
    [JSON.stringify(accepted), 200],
    [written, 403],
  ] as const) {
    await writeFile(policyFile, text);
    server.child.kill("SIGHUP");
    for (let n = 0; n < 300 && (await get()).status !== status; n++) await sleep(50);
    assert.equal((await get()).status, status);
  }
});

test("a push is signed for whom the rules name alone, and again under another tag", async () => {
  const image = fresh();
  const lists = async (repository: string) => {
    const path = `/extensions/v2/${repository}/signatures/${image.digest}`;
    return JSON.parse(String((await as("ann", "GET", path)).body)).signatures as object[];
  };
  assert.equal((await push("ann", "a/signed", image, "v1")).status, 201);
  const [first, ...none] = await lists("a/signed");
  assert.ok(first && none.length === 0);
  await push("ann", "a/signed", image, "v1");
  assert.equal((await lists("a/signed")).length, 1, "the same again");
  await push("ann", "a/signed", image, "v2");
  const both = await lists("a/signed");
  assert.equal(both.length, 2);
  assert.deepEqual(both[0], first, "the first is kept");
  assert.equal((await push("bob", "b/unsigned", image, "v1")).status, 201);
  const bobs = `/extensions/v2/b/unsigned/signatures/${image.digest}`;
  const list = await as("bob", "GET", bobs);
  assert.deepEqual([list.status, String(list.body)], [200, '{"signatures":[]}']);
  assert.equal((await as("bob", "GET", "/v2/b/unsigned/manifests/v1")).status, 200);
});

test("a right to a path here is none to an upstream's, in no face", async () => {
  const image = fresh();
  registry.seed("b/app", "v1", image);
  for (const path of [
    "/v2/b/app/manifests/v1?ns=up.example",
    `/extensions/v2/b/app/signatures/${image.digest}?ns=up.example`,
  ]) {
    const answer = await as("bob", "PUT", path, { body: "{}" });
    assert.ok(answer.status === 403 || answer.status === 405, `${path}: ${answer.status}`);
  }
});

test("a path is not judged as another repository's for saying by ns where it is", async () => {
  registry.seed("called/app", "v1", fresh());
  for (const path of ["/v2/up/called/app/", "/v2/called/app/"]) {
    const answer = await as(undefined, "GET", `${path}manifests/v1?ns=up.example`);
    assert.ok([403, 404].includes(answer.status), `${path}: ${answer.status}`);
  }
  assert.equal((await as(undefined, "GET", "/v2/up/called/app/manifests/v1")).status, 403);
});

test("what is no name is not looked for to be signed, here or at an upstream", async () => {
  registry.seed("a/app", "v1", fresh());
  for (const repository of [
    "up/../a/app",
    "up/b/../a/app",
    "a/../b/app",
    "a/%2e%2e/app",
    "a//x",
    "A/x",
  ]) {
    const body = JSON.stringify({ repository, tag: "v1", digest: digestOf(Buffer.from("other")) });
    const headers = { "Content-Type": "application/json" };
    const answer = await as("ann", "POST", "/api/v1/sign", { headers, body });
    assert.equal(answer.status, 400, `${repository}: ${answer.body}`);
  }
});

test("Accept in several lines is all of it, to us and to the upstream", async () => {
  const image = makeImage({ seed: ++seeds, type: "oci", layers: 1, compression: "none" });
  registry.seed("app/accept", "v1", image);
  await sign("app/accept", "v1", image.digest);
  const accept = ["application/vnd.docker.distribution.manifest.v2+json", image.mediaType];
  const options = { headers: { Accept: accept } };
  const answer = await as(undefined, "GET", "/v2/up/app/accept/manifests/v1", options);
  assert.equal(answer.status, 200, String(answer.body));
});

test("signatures: an unknown digest has none, no path leads out, all that come at once are kept without a gap", async () => {
  const unknown = digestOf(Buffer.from("nobody"));
  const list = (digest: string) => `/extensions/v2/up.example/app/many/signatures/${digest}`;
  const none = await as("ann", "GET", list(unknown));
  assert.deepEqual([none.status, String(none.body)], [200, '{"signatures":[]}']);
  const image = fresh();
  registry.seed("app/many", "v1", image);
  await sign("app/many", "v1", image.digest);
  const hex = image.digest.slice(7);
  const base = `/sigstore/up.example/app/many@sha256=`;
  for (const path of [
    `${base}${hex.slice(1)}/signature-1`,
    `${base}${hex}0/signature-1`,
    `${base}${hex.toUpperCase()}/signature-1`,
    ...["0", "-1", "+1", "1e3", "9".repeat(20), "1%00"].map((n) => `${base}${hex}/signature-${n}`),
    `/sigstore/%2e%2e/signature-1`,
    `/sigstore/..%2f..%2fregistry.db`,
    `/sigstore/../registry.db`,
  ]) {
    const { status } = await as("ann", "GET", path);
    assert.ok(status === 400 || status === 404, `${path}: ${status}`);
  }
  const double = `/sigstore//up.example//app/many@sha256=${hex}//signature-1`;
  assert.equal((await as("ann", "GET", double)).status, 200);
  assert.equal((await as("bob", "PUT", `${base}${hex}/signature-2`, { body: "x" })).status, 403);
  await addAtOnce("app/many", image.digest, isSoak ? 49 : 11);
  await removeWhileReading("app/many", image.digest);
});

/** Z5: as clients do, each puts at the first number that is free, and tries the next where somebody was faster. */
async function addAtOnce(path: string, digest: Digest, count: number): Promise<void> {
  const base = `/sigstore/up.example/${path}@${digest.replace(":", "=")}/signature-`;
  const messages = Array.from({ length: count }, (_, at) => {
    const signed = folk.sign("ann", `up.example/${path}:t${at}`, digest);
    return (signed as { bytes: Uint8Array }).bytes;
  });
  await Promise.all(
    messages.map(async (body) => {
      for (let number = 2; number < 128; number++) {
        const { status } = await as("ann", "PUT", `${base}${number}`, { body });
        if (status < 300) return;
        assert.equal(status, 409);
      }
      assert.fail("never kept");
    }),
  );
  const kept = await Promise.all(
    Array.from({ length: count + 2 }, (_, at) => as("ann", "GET", `${base}${at + 1}`)),
  );
  assert.deepEqual(
    kept.map(({ status }) => status),
    [...Array(count + 1).fill(200), 404],
  );
  const found = new Set(kept.map(({ body }) => digestOf(body)));
  for (const body of messages) assert.ok(found.has(digestOf(body)), "lost");
}

/** Z6: whoever reads on sees no 404 before what stays has been seen. */
async function removeWhileReading(path: string, digest: Digest): Promise<void> {
  const base = `/sigstore/up.example/${path}@${digest.replace(":", "=")}/signature-`;
  const removals = 4;
  let count = 0;
  while ((await as("ann", "HEAD", `${base}${count + 1}`)).status === 200) count++;
  let isRemoving = true;
  const read = async () => {
    while (isRemoving) {
      let seen = 0;
      while ((await as("ann", "GET", `${base}${seen + 1}`)).status === 200) seen++;
      assert.ok(seen >= count - removals, `${seen} of ${count}`);
    }
  };
  const remove = async () => {
    for (let n = 0; n < removals; n++) {
      assert.ok((await as("ann", "DELETE", `${base}2`)).status < 300);
    }
    isRemoving = false;
  };
  await Promise.all([read(), read(), remove()]);
}
