import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { endOf, jobsOf, postJob } from "../../support/jobs/job-client.ts";
import { type ServeProcess, startServe } from "../../support/serve-process.ts";
import { startServed } from "../../support/server/served.ts";

/** An HTTP server on this machine that counts who comes, and by which name it was asked. */
interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

async function listen(handle: RequestListener): Promise<Listener> {
  const server = createServer(handle);
  let connections = 0;
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What no job may reach. */
let inner: Listener;
/** A registry that jobs may use, and that leads them astray: by redirects, by its token service, by its challenges. */
let hostile: Listener;
let server: ServeProcess;

before(async () => {
  inner = await listen((_request, response) => void response.end("{}"));
  hostile = await listen((request, response) => {
    const to = `http://127.0.0.1:${inner.port}/secret`;
    if (request.url?.includes("/token-app/"))
      response.writeHead(401, { "WWW-Authenticate": `Bearer realm="${to}",service="x"` });
    else if (request.url?.includes("/named-app/"))
      response.writeHead(307, { Location: `http://a.turns-inward.example:${inner.port}/secret` });
    else if (request.url === "/v2/") response.writeHead(200);
    else response.writeHead(307, { Location: to });
    response.end();
  });
  const preload = fileURLToPath(new URL("../../support/jobs/inward-names.mjs", import.meta.url));
  server = await startServe({
    env: { NODE_OPTIONS: `--import ${preload}` },
    settings: {
      access: { anonymous: ["jobs", "pull"] },
      jobs: {
        attempts: 1,
        "allowed-hosts": [
          "*.turns-inward.example",
          { host: "hostile.example", url: `http://127.0.0.1:${hostile.port}`, insecure: true },
        ],
        credentials: {
          hub: { hosts: ["docker.io"], username: "me", "password-file": "hub-password" },
        },
      },
    },
  });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await hostile[Symbol.asyncDispose]();
  await inner[Symbol.asyncDispose]();
});

const verify = (image: string) => ({ kind: "verify", image });

test("a job that names what it may not is answered 403, and nothing is started", async () => {
  const here = `127.0.0.1:${inner.port}`;
  const images = [
    `docker://${here}/a/b`,
    `docker://127.1:${inner.port}/a/b`,
    `docker://0x7f000001.:${inner.port}/a/b`,
    `docker://2130706433:${inner.port}/a/b`,
    `docker://[::1]:${inner.port}/a/b`,
    `docker://[::ffff:127.0.0.1]:${inner.port}/a/b`,
    `docker://localhost:${inner.port}/a/b`,
    `docker://a.turns-inward.example:${inner.port}/a/b`,
    "docker://169.254.169.254/latest/meta-data",
    "docker://metadata.google.internal/a",
    "docker://me:pw@hostile.example/a",
    "docker://quay.io/a/b",
    "dir:/etc",
    "oci:/var/lib/x:y",
    "oci-archive:/etc/passwd",
    "docker-archive:/dev/stdin",
    "containers-storage:x",
    "docker-daemon:x:y",
    "tarball:/etc/hosts",
    "atomic:hostile.example/a/b:c",
    "file:///etc/passwd",
    "http://hostile.example/a",
  ];
  for (const image of images) {
    const copy = { kind: "copy", from: "docker://hostile.example/a/b", to: image };
    for (const body of [verify(image), copy, { ...copy, from: image, to: copy.from }]) {
      const { status, error } = await postJob(server.url, body);
      assert.ok(status === 403 || status === 400, `${image}: ${status}`);
      assert.match(error?.code ?? "", /^job\.(not-allowed|bad-request)$/);
    }
  }
  for (const webhook of [
    `http://${here}/`,
    `http://localhost:${inner.port}/`,
    "http://169.254.169.254/latest/",
    `${server.url}/api/v1/blocked`,
    "gopher://hostile.example/",
  ]) {
    const { status } = await postJob(server.url, {
      ...verify("docker://hostile.example/a"),
      webhook,
    });
    assert.ok(status === 403 || status === 400, `${webhook}: ${status}`);
  }
  const stolen = { image: "docker://hostile.example/a", credentials: "hub" };
  assert.equal((await postJob(server.url, { kind: "verify", image: stolen })).status, 403);
  assert.deepEqual(await jobsOf(server.url), []);
  assert.equal(inner.connections, 0);
});

test("what is no job is answered 4xx by the server as it is shipped, and nothing is started", async () => {
  const send = async (body: string | Uint8Array, type = "application/json") => {
    const headers = { "Content-Type": type };
    const answer = await fetch(`${server.url}/api/v1/jobs`, { method: "POST", headers, body });
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    assert.match(error.code, /^job\./);
    assert.ok(error.message.length > 0);
    return answer.status;
  };
  const good = JSON.stringify(verify("docker://hostile.example/a"));
  assert.equal(await send("{"), 400);
  assert.equal(await send(Buffer.from([0x7b, 0xff, 0x7d])), 400);
  assert.equal(await send('{"kind":"verify","image":"docker://hostile.example/a","x":1}'), 400);
  assert.equal(await send('{"kind":"verify","image":7}'), 400);
  assert.equal(await send(`${"[".repeat(100_000)}`), 400);
  assert.equal(await send(good.padEnd(300_000)), 413);
  assert.equal(await send(good, "text/plain"), 415);
  assert.deepEqual(await jobsOf(server.url), []);
});

test("a job is not led astray by names that turn inward, redirects or challenges", async () => {
  const jobs = [
    verify("docker://b.turns-inward.example/a/b:1"),
    verify("docker://hostile.example/redirect-app/b:1"),
    verify("docker://hostile.example/named-app/b:1"),
    verify("docker://hostile.example/token-app/b:1"),
    {
      kind: "sync",
      mirror: { mirrors: [{ from: "hostile.example/tags-app/b", to: "localhost:5000/x/" }] },
    },
  ];
  const reasons: string[] = [];
  for (const body of jobs) {
    const { status, job } = await postJob(server.url, body);
    assert.equal(status, 202, JSON.stringify(body));
    const ended = await endOf(server.url, job?.id ?? "");
    assert.equal(ended.state, "failed", JSON.stringify(ended));
    reasons.push(JSON.stringify(ended.failure));
  }
  for (const reason of reasons.slice(0, 4))
    assert.match(reason, /is an address inside this network/);
  assert.ok(hostile.connections > 0, "the jobs were begun");
  assert.equal(inner.connections, 0);
});

test("credentials are in no answer, no log and no file of jobs", async () => {
  const told = JSON.stringify(server.lines);
  assert.doesNotMatch(told, /hub-password/);
  const seen = JSON.stringify(await jobsOf(server.url));
  assert.doesNotMatch(seen, /hub-password|"me"/);
});

const tokenOf = (user: string) => `${user}-has-a-token-of-its-own`;

test("the right to have jobs is given by the rules of the settings", async () => {
  await using served = await startServed({
    files: Object.fromEntries(["ann", "bob", "root"].map((user) => [user, tokenOf(user)])),
    yaml: `
access:
  robots: { ann: { token-file: ann }, bob: { token-file: bob }, root: { token-file: root } }
  rules:
    - { users: [ann], repositories: ["**"], actions: [jobs] }
    - { users: [bob], repositories: ["**"], actions: [pull, push] }
    - { users: [root], repositories: ["**"], actions: [admin] }
jobs: { allowed-hosts: [never.example] }
`,
  });
  const ask = (user: string | undefined, init: RequestInit = {}) =>
    fetch(`${served.url}/api/v1/jobs`, {
      ...init,
      headers: {
        "Content-Type": "application/json",
        ...(user !== undefined && { Authorization: `Basic ${btoa(`${user}:${tokenOf(user)}`)}` }),
      },
    });
  const body = JSON.stringify({
    ...verify("docker://never.example/a"),
    notBefore: Date.now() + 3_600_000,
  });
  const post = (user?: string) => ask(user, { method: "POST", body });
  const nobody = await post();
  assert.equal(nobody.status, 401);
  assert.ok(nobody.headers.get("www-authenticate"));
  assert.equal((await post("bob")).status, 403);
  assert.equal((await ask("bob")).status, 403);
  assert.equal((await post("ann")).status, 202);
  const jobsSeen = async (user: string) =>
    ((await (await ask(user)).json()) as { jobs: object[] }).jobs;
  assert.equal((await jobsSeen("ann")).length, 1);
  assert.equal((await jobsSeen("root")).length, 1);
});
