import assert from "node:assert/strict";
import { digestOf } from "../../../../src/core/digest.ts";
import { call, pushBlob } from "../../../support/server/client.ts";
import { dataSets } from "../../../support/server/data-sets.ts";
import { pushSet } from "./push-set.ts";
import type { Declare } from "./subject.ts";

const nothing = digestOf(Buffer.from("hello world"));
const knownCodes =
  /^(BLOB_UNKNOWN|BLOB_UPLOAD_INVALID|BLOB_UPLOAD_UNKNOWN|DIGEST_INVALID|MANIFEST_BLOB_UNKNOWN|MANIFEST_INVALID|MANIFEST_UNKNOWN|NAME_INVALID|NAME_UNKNOWN|SIZE_INVALID|TAG_INVALID|UNAUTHORIZED|DENIED|UNSUPPORTED|TOOMANYREQUESTS)$/;

/** Conformance suite 1.1.1, "Pull", and of the newer suite ping, errors and ranges. */
export function describePull(test: Declare): void {
  test("GET /v2/ answers 200", async ({ origin }) => {
    const { status, headers } = await call(origin, "GET", "/v2/");
    assert.equal(status, 200);
    assert.equal(headers["docker-distribution-api-version"], "registry/2.0");
  });
  describeMissing(test);
  describePresent(test);
  describeRanges(test);
}

function describeMissing(test: Declare): void {
  for (const method of ["HEAD", "GET"]) {
    test(`${method} of a missing blob answers 404`, async ({ origin, repository }) => {
      const answer = await call(origin, method, `/v2/${repository}/blobs/${nothing}`);
      assert.equal(answer.status, 404);
      assert.equal(answer.code, method === "GET" ? "BLOB_UNKNOWN" : undefined);
    });
    for (const reference of [nothing, "missing", ".INVALID_MANIFEST_NAME"]) {
      test(`${method} of a missing manifest ${reference} answers 404`, async ({
        origin,
        repository,
      }) => {
        const answer = await call(origin, method, `/v2/${repository}/manifests/${reference}`);
        assert.equal(answer.status, 404);
        assert.equal(answer.code, method === "GET" ? "MANIFEST_UNKNOWN" : undefined);
      });
    }
  }
  test("an answer 400 has the error JSON with a known code", async ({ origin, repository }) => {
    const wrong = `/v2/${repository}/manifests/sha256:baddigeststring`;
    const put = await call(origin, "PUT", wrong, { body: "{}" });
    assert.equal(put.status, 400);
    assert.match(put.code ?? "", knownCodes);
    const get = await call(origin, "GET", wrong);
    assert.ok([400, 404].includes(get.status));
    assert.match(get.code ?? "", knownCodes);
  });
}

function describePresent(test: Declare): void {
  for (const method of ["HEAD", "GET"]) {
    test(`${method} of a blob answers 200 with its length`, async ({ origin, repository }) => {
      const bytes = Buffer.from("some blob");
      const digest = await pushBlob(origin, repository, bytes);
      const answer = await call(origin, method, `/v2/${repository}/blobs/${digest}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-length"], String(bytes.length));
      assert.equal(answer.headers["docker-content-digest"], digest);
      assert.deepEqual(answer.body, method === "GET" ? bytes : Buffer.alloc(0));
    });
    test(`${method} of two manifests by digest and by tag answers 200`, async (bench) => {
      const { origin, repository } = bench;
      const set = dataSets["index"];
      assert.ok(set);
      await pushSet(bench, set);
      for (const [at, { digest, mediaType, bytes }] of set.manifests.entries()) {
        for (const reference of [digest, `tag-${at}`]) {
          const headers = { Accept: mediaType };
          const path = `/v2/${repository}/manifests/${reference}`;
          const answer = await call(origin, method, path, { headers });
          assert.equal(answer.status, 200);
          assert.equal(answer.headers["docker-content-digest"], digest);
          assert.equal(answer.headers["content-type"], mediaType);
          assert.equal(answer.headers["content-length"], String(bytes.length));
        }
      }
    });
  }
}

const ranges: [asked: string, start: number, end: number][] = [
  ["500-1499", 500, 1500],
  ["500-", 500, 2048],
  ["-500", 1548, 2048],
  ["2000-5000", 2000, 2048],
];

function describeRanges(test: Declare): void {
  const blob = Buffer.alloc(2048, "0123456789");
  for (const [asked, start, end] of ranges) {
    test(`GET of the range ${asked} answers 206 with exactly that`, async ({
      origin,
      repository,
    }) => {
      const digest = await pushBlob(origin, repository, blob);
      const headers = { Range: `bytes=${asked}` };
      const answer = await call(origin, "GET", `/v2/${repository}/blobs/${digest}`, { headers });
      assert.equal(answer.status, 206);
      assert.equal(answer.headers["content-length"], String(end - start));
      assert.equal(answer.headers["content-range"], `bytes ${start}-${end - 1}/2048`);
      assert.deepEqual(answer.body, blob.subarray(start, end));
    });
  }
  for (const asked of ["500-0", "2048-", "5000-6000", "-0"]) {
    test(`GET of the range ${asked} answers 416`, async ({ origin, repository }) => {
      const digest = await pushBlob(origin, repository, blob);
      const headers = { Range: `bytes=${asked}` };
      const answer = await call(origin, "GET", `/v2/${repository}/blobs/${digest}`, { headers });
      assert.equal(answer.status, 416);
      assert.equal(answer.headers["content-range"], "bytes */2048");
    });
  }
}
