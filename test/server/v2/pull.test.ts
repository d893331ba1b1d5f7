import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { type RawManifest, readRawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { acceptsType } from "../../../src/server/v2/accept.ts";
import type { HeldManifest } from "../../../src/server/v2/backend.ts";
import { parseByteRange, parseSentRange } from "../../../src/server/v2/byte-range.ts";
import { insteadOf, namesDigest } from "../../../src/server/v2/entity-tags.ts";
import { call } from "../../support/server/client.ts";
import { dataSets } from "../../support/server/data-sets.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { startV2Server } from "../../support/server/v2-server.ts";

const config = Buffer.from("{}");
const blob = digestOf(config);

/** An OCI image as `app:1`. */
function held(backend: MemoryBackend): RawManifest {
  const [sample] = dataSets["no layers"]?.manifests ?? [];
  assert.ok(sample);
  const manifest = readRawManifest(sample.bytes);
  backend.keep("registry.test/app", manifest, ["1"], [config]);
  return manifest;
}

const { ociManifest, ociIndex, dockerManifest, schema1, schema1Signed } = mediaTypes;
const accepts: [accept: string | undefined, type: string, taken: boolean][] = [
  [undefined, ociManifest, true],
  ["", ociManifest, true],
  ["*/*", ociIndex, true],
  ["text/html, */*;q=0.1", ociIndex, true],
  ["application/*", dockerManifest, true],
  [ociManifest, ociManifest, true],
  [` ${ociIndex} ,${ociManifest};q=0.5`, ociManifest, true],
  [ociManifest.toUpperCase(), ociManifest, true],
  [ociIndex, ociManifest, false],
  [`${ociManifest};q=0`, ociManifest, false],
  [`${ociManifest};q=0.0, ${ociIndex}`, ociManifest, false],
  ["application/json", ociManifest, false],
  ["text/*", ociManifest, false],
  [`x${ociManifest}`, ociManifest, false],
  [schema1, schema1Signed, true],
  [schema1Signed, schema1, false],
];

test("acceptsType() takes what the header names, and anything where it names nothing", () => {
  for (const [accept, type, taken] of accepts) {
    assert.equal(acceptsType(accept, type), taken, `${accept} for ${type}`);
  }
});

const ranges: [header: string | undefined, size: number, range: unknown][] = [
  [undefined, 10, "whole"],
  ["bytes=0-", 10, { start: 0, end: 10 }],
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["Bytes = 3 - 5 ", 10, { start: 3, end: 6 }],
  ["bytes=-3", 10, { start: 7, end: 10 }],
  ["bytes=-30", 10, { start: 0, end: 10 }],
  ["bytes=9-99999", 10, { start: 9, end: 10 }],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=5-3", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  // Go's servers, distribution's among them, give who always asks for a range an empty blob as it is.
  ["bytes=0-", 0, "whole"],
  ["bytes=-5", 0, "whole"],
  ["bytes=2-99999999999999999999", 10, { start: 2, end: 10 }],
  ["bytes=-99999999999999999999", 10, { start: 0, end: 10 }],
  ["bytes=99999999999999999999-", 10, "unsatisfiable"],
  ["bytes=0-1,3-4", 10, "whole"],
  ["bytes=-", 10, "whole"],
  ["bytes=a-b", 10, "whole"],
  ["bytes=+1-2", 10, "whole"],
  ["bytes=0x1-2", 10, "whole"],
  ["items=0-1", 10, "whole"],
];

test("parseByteRange() reads one range, and takes what it cannot read for none", () => {
  for (const [header, size, range] of ranges) {
    assert.deepEqual(parseByteRange(header, size), range, header ?? "none");
  }
});

test("parseSentRange() reads the spec's form and HTTP's", () => {
  const range = { first: 5, last: 9 };
  for (const header of ["5-9", "bytes 5-9/10", "bytes 5-9/*", "bytes=5-9", " 5-9 "]) {
    assert.deepEqual(parseSentRange(header), range, header);
  }
  for (const header of ["9-5", "5-", "-9", "5", "a-b", "5-9,11-12", "5-9999999999999999"]) {
    assert.equal(parseSentRange(header), "bad", header);
  }
  assert.equal(parseSentRange(undefined), undefined);
});

test("entity tags are read with and without quotes", () => {
  const other = digestOf(Buffer.from("other"));
  for (const header of [`"${blob}"`, blob, `W/"${blob}"`, `"${other}", "${blob}"`, "*"]) {
    assert.equal(namesDigest(header, blob), true, header);
  }
  assert.equal(namesDigest(`"${other}"`, blob), false);
  assert.equal(namesDigest(undefined, blob), false);
  assert.equal(insteadOf(undefined, undefined), undefined);
  assert.equal(insteadOf(undefined, "*"), "nothing");
  assert.equal(insteadOf(`"${blob}"`, undefined), blob);
  assert.equal(insteadOf("*", undefined), "bad");
  assert.equal(insteadOf(undefined, `"${blob}"`), "bad");
  assert.equal(insteadOf(blob, "*"), "bad");
  assert.equal(insteadOf(`"${blob}", "${other}"`, undefined), "bad");
});

test("GET of a manifest in a type that is not accepted answers 404 in distribution's words", async () => {
  const backend = new MemoryBackend();
  held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  const headers = { Accept: dockerManifest };
  const answer = await call(server.origin, "GET", "/v2/app/manifests/1", { headers });
  assert.equal(answer.status, 404);
  assert.equal(answer.code, "MANIFEST_UNKNOWN");
  assert.match(
    answer.body.toString(),
    /OCI manifest found, but accept header does not support OCI manifests/,
  );
});

test("several lines of Accept count as one", async () => {
  const backend = new MemoryBackend();
  held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  const headers = { Accept: [dockerManifest, ociIndex, ociManifest] };
  assert.equal((await call(server.origin, "GET", "/v2/app/manifests/1", { headers })).status, 200);
});

test("a manifest's headers say how long it may be kept, and by whom", async () => {
  const backend = new MemoryBackend();
  const { digest } = held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  const byTag = await call(server.origin, "GET", "/v2/app/manifests/1");
  assert.equal(byTag.headers["cache-control"], "no-cache");
  assert.equal(byTag.headers.etag, `"${digest}"`);
  const byDigest = await call(server.origin, "GET", `/v2/app/manifests/${digest}`);
  assert.equal(byDigest.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(byDigest.headers["x-content-type-options"], "nosniff");
  assert.match(byDigest.headers["x-request-id"] as string, /^[0-9a-f]+-[0-9a-z]+$/);
});

test("If-None-Match is answered 304 without content, of manifests and of blobs", async () => {
  const backend = new MemoryBackend();
  const { digest } = held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  for (const [path, tag] of [
    ["/v2/app/manifests/1", digest],
    [`/v2/app/manifests/${digest}`, digest],
    [`/v2/app/blobs/${blob}`, blob],
  ] as const) {
    const headers = { "If-None-Match": `"${tag}"` };
    const answer = await call(server.origin, "GET", path, { headers });
    assert.equal(answer.status, 304);
    assert.equal(answer.headers["docker-content-digest"], tag);
    assert.equal(answer.body.length, 0);
  }
  const headers = { "If-None-Match": `"${digestOf(Buffer.from("x"))}"` };
  assert.equal((await call(server.origin, "GET", "/v2/app/manifests/1", { headers })).status, 200);
  const missing = { "If-None-Match": "*" };
  const gone = `/v2/app/blobs/${digestOf(Buffer.from("gone"))}`;
  assert.equal((await call(server.origin, "GET", gone, { headers: missing })).status, 404);
});

test("a stale manifest comes with a warning and its age, and no header can be made of the warning", async () => {
  const backend = new MemoryBackend();
  const manifest = held(backend);
  const stale = { warning: 'stale: "upstream"\r\nSet-Cookie: x\u{1f600}', ageSeconds: 61.7 };
  const old: HeldManifest = { ...manifest, stale };
  backend.readManifest = async () => old;
  await using server = await startV2Server({ backendOf: () => backend });
  const { headers } = await call(server.origin, "HEAD", "/v2/app/manifests/1");
  assert.equal(headers.age, "61");
  assert.equal(headers["warning"], '299 - "stale: \\"upstream\\"??Set-Cookie: x??"');
  assert.equal(headers["set-cookie"], undefined);
});

test("several ranges, and a range of another version, are answered with the whole blob", async () => {
  const backend = new MemoryBackend();
  held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  const path = `/v2/app/blobs/${blob}`;
  for (const headers of [
    { Range: "bytes=0-0,1-1" },
    { Range: "bytes=0-0", "If-Range": '"other"' },
    { Range: "bytes=0-0", "If-Range": "Fri, 27 Nov 2026 07:00:00 GMT" },
  ]) {
    const answer = await call(server.origin, "GET", path, { headers });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, config);
  }
  const headers = { Range: "bytes=1-1", "If-Range": `"${blob}"` };
  const answer = await call(server.origin, "GET", path, { headers });
  assert.equal(answer.status, 206);
  assert.equal(answer.body.toString(), "}");
  const head = await call(server.origin, "HEAD", path, { headers });
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], "2");
});

test("HEAD never has a body, whatever the answer", async () => {
  await using server = await startV2Server();
  const paths = [
    "/v2/",
    "/v2/a/manifests/x",
    `/v2/a/blobs/${blob}`,
    "/v2/A/tags/list",
    "/v2/x/y/z",
  ];
  for (const path of paths) {
    const answer = await call(server.origin, "HEAD", path);
    assert.equal(answer.body.length, 0);
    assert.notEqual(answer.headers["content-length"], undefined);
    if (answer.status >= 400) assert.equal(answer.headers["cache-control"], "no-store");
  }
});

test("X-Registry-Supports-Signatures is announced where there is such an API", async () => {
  await using server = await startV2Server({ signaturesApi: true });
  const { headers } = await call(server.origin, "GET", "/v2/");
  assert.equal(headers["x-registry-supports-signatures"], "1");
});

test("a failure nobody foresaw is answered 500 without a word of it, and reported", async () => {
  const backend = new MemoryBackend();
  backend.readManifest = async () => {
    throw new Error("EACCES: permission denied, open '/secret/place'");
  };
  await using server = await startV2Server({ backendOf: () => backend });
  const answer = await call(server.origin, "GET", "/v2/app/manifests/1");
  assert.equal(answer.status, 500);
  assert.equal(
    answer.body.toString(),
    '{"errors":[{"code":"UNKNOWN","message":"internal error"}]}',
  );
  const [message] = server.messages;
  assert.ok(message?.type === "message" && /secret/.test(String(message.error)));
});

test("the report tells of a request what it was, and what became of it", async () => {
  const backend = new MemoryBackend();
  const { bytes } = held(backend);
  await using server = await startV2Server({ backendOf: () => backend });
  const headers = { "User-Agent": "test/1" };
  await call(server.origin, "GET", "/v2/app/manifests/1", { headers });
  const { durationMs, id, caller, ...event } = await server.ended(() => true);
  assert.ok(durationMs >= 0 && id !== "" && caller?.address === "127.0.0.1");
  assert.deepEqual(event, {
    type: "request",
    operation: "read-manifest",
    repository: "registry.test/app",
    reference: "1",
    method: "GET",
    url: "/v2/app/manifests/1",
    status: 200,
    bytesIn: 0,
    bytesOut: bytes.length,
    userAgent: "test/1",
    complete: true,
  });
});
