import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { readRawManifest } from "../../../src/core/manifest.ts";
import type { Access } from "../../../src/server/access.ts";
import type { Decision } from "../../../src/server/admission.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import { printsOnlyAfterHead } from "../../../src/server/v2/client-family.ts";
import { openAccess } from "../../../src/server/v2/open-access.ts";
import { call } from "../../support/server/client.ts";
import { dataSets } from "../../support/server/data-sets.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { smallAdmission } from "../../support/server/small-parts.ts";
import { startV2Server } from "../../support/server/v2-server.ts";

const blobBytes = Buffer.from("{}");
const blob = digestOf(blobBytes);
const refused: Decision = {
  allowed: false,
  id: "d-1",
  status: 403,
  reason: 'policy: "app" is not signed',
  at: "manifest",
};

/** A server with `app:1` in memory, whose admission the test tells what to refuse. */
async function start(access: Access = openAccess) {
  const [sample] = dataSets["no layers"]?.manifests ?? [];
  assert.ok(sample);
  const backend = new MemoryBackend();
  const manifest = readRawManifest(sample.bytes);
  const { digest } = manifest;
  backend.keep("registry.test/app", manifest, ["1"], [blobBytes]);
  const admission = smallAdmission();
  const notes: AuditEvent[] = [];
  const audit = { note: (event: AuditEvent) => void notes.push(event) };
  const server = await startV2Server({ backendOf: () => backend, admission, audit, access });
  const dispose = () => server[Symbol.asyncDispose]();
  const { origin } = server;
  return { server, origin, backend, admission, digest, notes, [Symbol.asyncDispose]: dispose };
}

test("a refused manifest is answered 403 with the reason and the decision, by tag and by digest", async () => {
  await using world = await start();
  world.admission.decisions.set(world.digest, refused);
  for (const reference of ["1", world.digest]) {
    for (const headers of [{}, { "If-None-Match": `"${world.digest}"` }]) {
      const path = `/v2/app/manifests/${reference}`;
      const answer = await call(world.origin, "GET", path, { headers });
      assert.equal(answer.status, 403);
      assert.deepEqual(JSON.parse(answer.body.toString()), {
        errors: [{ code: "DENIED", message: refused.reason, detail: { decision: "d-1" } }],
      });
      assert.equal(answer.headers["x-policy-decision"], "d-1");
      // Beside the body it would be printed twice.
      assert.equal(answer.headers["warning"], undefined);
      assert.equal(answer.headers["docker-content-digest"], undefined);
    }
  }
  const [note] = world.notes;
  assert.equal(note?.type, "refused");
  assert.equal(note?.decision, "d-1");
  assert.equal(world.server.events[0]?.decision, "d-1");
});

test("HEAD of a refused manifest is refused with the reason in its headers", async () => {
  await using world = await start();
  world.admission.decisions.set(world.digest, refused);
  const headers = { "User-Agent": "curl/8" };
  const answer = await call(world.origin, "HEAD", "/v2/app/manifests/1", { headers });
  assert.equal(answer.status, 403);
  assert.equal(answer.headers["warning"], '299 - "policy: \\"app\\" is not signed"');
  assert.equal(answer.headers["x-policy-decision"], "d-1");
  assert.equal(answer.headers["docker-content-digest"], undefined);
  assert.equal(answer.body.length, 0);
});

test("HEAD of a refused manifest passes for containerd, which prints the reason of the GET alone", async () => {
  await using world = await start();
  world.admission.decisions.set(world.digest, refused);
  const headers = { "User-Agent": "containerd/1.7.2" };
  const head = await call(world.origin, "HEAD", "/v2/app/manifests/1", { headers });
  assert.equal(head.status, 200);
  assert.equal(head.headers["docker-content-digest"], world.digest);
  assert.equal(head.body.length, 0);
  const get = await call(world.origin, "GET", "/v2/app/manifests/1", { headers });
  assert.equal(get.status, 403);
  assert.equal(world.notes.length, 1);
});

test("HEAD of what is blocked passes for nobody: containerd would go on with what it has", async () => {
  await using world = await start();
  world.admission.decisions.set(world.digest, { ...refused, blocked: true });
  const headers = { "User-Agent": "containerd/1.7.2" };
  for (const reference of ["1", world.digest]) {
    const answer = await call(world.origin, "HEAD", `/v2/app/manifests/${reference}`, { headers });
    assert.equal(answer.status, 403);
  }
});

const agents: [agent: string | undefined, passes: boolean][] = [
  ["containerd/1.6.20~ds1", true],
  ["containerd/v1.7.23-k3s2", true],
  ["buildkit/v0.12.5", true],
  ["nerdctl/2.0", true],
  // Docker whose images containerd keeps; and one that keeps them itself: it asks again by GET.
  ["docker/28.2.2 go/go1.24 os/linux arch/amd64 containerd-client/2.1.1 UpstreamClient(x)", true],
  [
    "docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 UpstreamClient(Docker-Client/28.2.2)",
    false,
  ],
  ["skopeo/1.22.0", false],
  ["containers/5.39.2 (github.com/containers/image)", false],
  ["cri-o/1.30", false],
  ["oras/1.3.3", false],
  ["go-containerregistry", false],
  ["mycontainerd/1", false],
  ["", false],
  [undefined, false],
];

test("printsOnlyAfterHead() knows containerd and what is built on it", () => {
  for (const [agent, passes] of agents)
    assert.equal(printsOnlyAfterHead(agent), passes, agent ?? "none");
});

test("what cannot be decided is answered 503, to be asked for again", async () => {
  await using world = await start();
  world.admission.decisions.set(world.digest, { ...refused, status: 503 });
  world.admission.decisions.set(blob, { ...refused, status: 503, at: "blob" });
  for (const path of ["/v2/app/manifests/1", `/v2/app/blobs/${blob}`]) {
    const answer = await call(world.origin, "GET", path);
    assert.equal(answer.status, 503);
    assert.equal(answer.code, "UNAVAILABLE");
    assert.equal(answer.headers["retry-after"], "5");
  }
  assert.equal(world.notes.length, 0);
});

const readOnly: Access = {
  ...openAccess,
  allows: (_caller, _repository, right) => right === "pull",
};

test("where blobs are refused the manifest passes, and no blob does", async () => {
  await using world = await start(readOnly);
  world.admission.decisions.set(world.digest, { ...refused, at: "blob" });
  world.admission.decisions.set(blob, { ...refused, at: "blob" });
  assert.equal((await call(world.origin, "GET", "/v2/app/manifests/1")).status, 200);
  for (const method of ["GET", "HEAD"]) {
    for (const headers of [{}, { Range: "bytes=0-0" }, { "If-None-Match": `"${blob}"` }]) {
      const answer = await call(world.origin, method, `/v2/app/blobs/${blob}`, { headers });
      assert.equal(answer.status, 403);
    }
  }
});

test("a refused blob is not mounted, and who may push is told by HEAD that it is here", async () => {
  await using world = await start();
  world.admission.decisions.set(blob, { ...refused, at: "blob" });
  for (const source of ["&from=app", ""]) {
    const path = `/v2/copy/blobs/uploads/?mount=${blob}${source}`;
    assert.equal((await call(world.origin, "POST", path, { body: "" })).status, 202);
  }
  assert.equal((await call(world.origin, "HEAD", `/v2/app/blobs/${blob}`)).status, 200);
  assert.equal((await call(world.origin, "GET", `/v2/app/blobs/${blob}`)).status, 403);
  world.admission.decisions.set(blob, { ...refused, blocked: true });
  assert.equal((await call(world.origin, "HEAD", `/v2/app/blobs/${blob}`)).status, 403);
});

test("nothing is asked of the backend before a refused blob is refused", async () => {
  await using world = await start();
  world.admission.decisions.set(blob, refused);
  world.backend.openBlob = async () => assert.fail("opened");
  world.backend.statBlob = async () => assert.fail("looked at");
  const answer = await call(world.origin, "GET", `/v2/app/blobs/${blob}`);
  assert.equal(answer.code, "DENIED");
});

test("a blob that is blocked while it leaves is broken off", async () => {
  await using world = await start();
  const large = Buffer.alloc(3_000_000, "x");
  const digest = digestOf(large);
  world.backend.keep("registry.test/app", { mediaType: "", digest, bytes: large }, [], [large]);
  world.backend.openBlob = async () => endless(world, digest);
  await assert.rejects(call(world.origin, "GET", `/v2/app/blobs/${digest}`));
  const event = await world.server.ended(({ operation }) => operation === "read-blob");
  assert.equal(event.complete, false);
  assert.equal(world.admission.watching, 0);
});

/** A blob that is blocked after its first chunk, and then goes on until it is called off. */
function endless(world: { admission: { block(digest: Digest): void } }, digest: Digest) {
  return {
    size: 3_000_000,
    async *read(_range: unknown, signal: AbortSignal) {
      yield Buffer.alloc(1000);
      world.admission.block(digest);
      await new Promise((resolve) => {
        if (signal.aborted) resolve(undefined);
        else signal.addEventListener("abort", resolve);
      });
      yield Buffer.alloc(1000);
    },
    async [Symbol.asyncDispose]() {},
  };
}
