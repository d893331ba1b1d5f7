import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import type { PushedManifest } from "../../../src/server/push-signing.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { call } from "../../support/server/client.ts";
import { dataSets } from "../../support/server/data-sets.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { startV2Server } from "../../support/server/v2-server.ts";

const { ociIndex, ociManifest, dockerList } = mediaTypes;
const [index] = dataSets["empty index"]?.manifests ?? [];
const bytes = index?.bytes ?? Buffer.alloc(0);
const digest = digestOf(bytes);

async function put(
  origin: string,
  reference: string,
  headers: object,
  body: Uint8Array | string = bytes,
) {
  const type = { "Content-Type": ociIndex, ...headers };
  return await call(origin, "PUT", `/v2/app/manifests/${reference}`, { headers: type, body });
}

const types: [type: string | undefined, status: number][] = [
  [ociIndex, 201],
  [`${ociIndex}; charset=utf-8`, 201],
  [ociIndex.toUpperCase(), 201],
  [undefined, 201],
  [ociManifest, 400],
  [dockerList, 400],
  ["application/json", 400],
  ["application/octet-stream", 400],
  ["", 400],
];

test("a manifest is put under its own type alone", async () => {
  await using server = await startV2Server();
  for (const [type, status] of types) {
    const headers = type === undefined ? {} : { "Content-Type": type };
    const sent = { headers, body: bytes };
    const answer = await call(server.origin, "PUT", "/v2/app/manifests/1", sent);
    assert.equal(answer.status, status, type ?? "none");
    if (status !== 201) assert.equal(answer.code, "MANIFEST_INVALID");
  }
});

test("an index of nothing is put in each of its spellings", async () => {
  await using server = await startV2Server();
  for (const manifests of ["[]", "null"]) {
    const text = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":${manifests}}`;
    assert.equal((await put(server.origin, "1", {}, text)).status, 201, manifests);
  }
});

const ambiguous: Record<string, string> = {
  "two kinds at once": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[],"layers":[]}`,
  "a member twice": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[],"manifests":[]}`,
  "another spelling": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[],"Manifests":[]}`,
  "no version": `{"mediaType":"${ociIndex}","manifests":[]}`,
  "version 1": `{"schemaVersion":1,"mediaType":"${ociIndex}","manifests":[]}`,
  "no manifests": `{"schemaVersion":2,"mediaType":"${ociIndex}"}`,
  "a bad digest": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[{"mediaType":"${ociManifest}","digest":"sha256:../../x","size":1}]}`,
  "something behind it": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]} {}`,
  "too many levels": `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[],"x":${"[".repeat(40)}${"]".repeat(40)}}`,
};

for (const [what, text] of Object.entries(ambiguous)) {
  test(`a manifest with ${what} is refused`, async () => {
    await using server = await startV2Server();
    const answer = await put(server.origin, "1", {}, text);
    assert.equal(answer.status, 400);
    assert.equal(answer.code, "MANIFEST_INVALID");
  });
}

test("a tag moves only from what If-Match and If-None-Match say", async () => {
  await using server = await startV2Server();
  const { origin } = server;
  const other = digestOf(Buffer.from("other"));
  assert.equal((await put(origin, "1", { "If-Match": `"${digest}"` })).status, 412);
  assert.equal((await put(origin, "1", { "If-None-Match": "*" })).status, 201);
  assert.equal((await put(origin, "1", { "If-None-Match": "*" })).status, 412);
  assert.equal((await put(origin, "1", { "If-Match": `"${digest}"` })).status, 201);
  assert.equal((await put(origin, "1", { "If-Match": `"${other}"` })).status, 412);
  assert.equal((await put(origin, "1", { "If-Match": "*" })).status, 400);
  assert.equal((await put(origin, digest, { "If-Match": `"${digest}"` })).status, 400);
});

test("what is pushed is signed before it can be seen, and instances can be read", async () => {
  const backend = new MemoryBackend();
  const signed: PushedManifest[] = [];
  await using server = await startV2Server({
    backendOf: () => backend,
    signing: {
      async sign(pushed) {
        assert.equal(backend.repositories.get("registry.test/app")?.tags.size ?? 0, 0);
        assert.equal(await pushed.readInstance(digest), undefined);
        signed.push(pushed);
      },
    },
  });
  assert.equal((await put(server.origin, `${digest}?tag=1&tag=2`, {})).status, 201);
  const [pushed] = signed;
  assert.deepEqual(pushed?.tags, ["1", "2"]);
  assert.equal(pushed.manifest.digest, digest);
});

test("what cannot be signed does not become visible", async () => {
  const backend = new MemoryBackend();
  await using server = await startV2Server({
    backendOf: () => backend,
    signing: {
      async sign() {
        const away = { status: 503, headers: { "Retry-After": "1" } };
        throw new RegistryAnswerError("UNAVAILABLE", "the signer is not there", away);
      },
    },
  });
  const answer = await put(server.origin, "1", {});
  assert.equal(answer.status, 503);
  assert.equal(answer.headers["retry-after"], "1");
  assert.equal((await call(server.origin, "GET", "/v2/app/manifests/1")).status, 404);
});

test("a chunk whose range is not that of its bytes is refused", async () => {
  await using server = await startV2Server();
  const begun = await call(server.origin, "POST", "/v2/app/blobs/uploads/", { body: "" });
  const location = begun.headers.location ?? "";
  for (const range of ["0-3", "0-5", "4-0", "x"]) {
    const headers = { "Content-Range": range };
    const answer = await call(server.origin, "PATCH", location, { headers, body: "12345" });
    assert.equal(answer.status, 400, range);
    assert.equal(answer.code, "BLOB_UPLOAD_INVALID");
  }
  const ahead = { headers: { "Content-Range": "3-22" }, body: "12345" };
  const told = await call(server.origin, "PATCH", location, ahead);
  assert.deepEqual([told.status, told.code, told.headers.range], [416, "RANGE_INVALID", "0-0"]);
  const headers = { "Content-Range": "bytes 0-4/*" };
  assert.equal(
    (await call(server.origin, "PATCH", location, { headers, body: "12345" })).status,
    202,
  );
});

test("a push by POST alone that fails leaves no upload behind", async () => {
  const backend = new MemoryBackend();
  await using server = await startV2Server({ backendOf: () => backend });
  const path = `/v2/app/blobs/uploads/?digest=${digest}`;
  assert.equal((await call(server.origin, "POST", path, { body: "other" })).status, 400);
  assert.equal(backend.uploads.size, 0);
});

test("where a client comes by a path of its own, Location and Link lead back there", async () => {
  await using server = await startV2Server();
  const { origin } = server;
  const begun = await call(origin, "POST", "/hub/v2/app/blobs/uploads/?ns=docker.io", { body: "" });
  assert.equal(begun.headers.location, "/hub/v2/app/blobs/uploads/upload-1?ns=docker.io");
  const sent = { headers: { "Content-Type": ociIndex }, body: bytes };
  for (const reference of ["1", "2", digest]) {
    const path = `/hub/v2/app/manifests/${reference}?ns=docker.io`;
    const answer = await call(origin, "PUT", path, sent);
    assert.equal(answer.headers.location, `/hub/v2/app/manifests/${digest}?ns=docker.io`);
  }
  const list = await call(origin, "GET", "/hub/v2/app/tags/list?ns=docker.io&n=1");
  assert.equal(list.headers["link"], '</hub/v2/app/tags/list?ns=docker.io&n=1&last=1>; rel="next"');
});

test("referrers come in pages that clients can hold", async () => {
  const backend = new MemoryBackend();
  const annotations = { note: "x".repeat(900_000) };
  const all = Array.from({ length: 9 }, (_, at) => ({
    mediaType: ociManifest,
    digest: digestOf(Buffer.from(`${at}`)),
    size: at,
    artifactType: at % 3 === 0 ? "a/other" : "a/b",
    annotations,
  }));
  backend.listReferrers = async () => all;
  await using server = await startV2Server({ backendOf: () => backend });
  const found: string[] = [];
  let next: string | undefined = `/v2/app/referrers/${digest}?artifactType=a/b&ns=x`;
  while (next !== undefined) {
    const answer = await call(server.origin, "GET", next);
    assert.ok(answer.body.length < 4 * 1024 * 1024);
    assert.equal(answer.headers["oci-filters-applied"], "artifactType");
    const { manifests } = JSON.parse(answer.body.toString());
    found.push(...manifests.map((one: { digest: string }) => one.digest));
    next = /<([^>]+)>/.exec(String(answer.headers["link"] ?? ""))?.[1];
    if (next !== undefined) assert.match(next, /artifactType=a\/b&ns=x&last=sha256/);
  }
  const wanted = all.filter(({ artifactType }) => artifactType === "a/b").map((one) => one.digest);
  assert.deepEqual(found, wanted.sort());
});
