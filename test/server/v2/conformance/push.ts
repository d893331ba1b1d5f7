import assert from "node:assert/strict";
import { type DigestAlgorithm, digestOf } from "../../../../src/core/digest.ts";
import { mediaTypes } from "../../../../src/core/media-type.ts";
import {
  type Answer,
  call,
  locationOf,
  pushBlob,
  withQuery,
} from "../../../support/server/client.ts";
import type { Bench, Declare } from "./subject.ts";

const blob = Buffer.alloc(3000, "chunks of a blob; ");
const octets = { "Content-Type": "application/octet-stream" };

/** Conformance suite 1.1.1, "Push", and the upload modes of the newer suite, for both of its algorithms. */
export function describePush(test: Declare): void {
  for (const algorithm of ["sha256", "sha512"] as const) {
    describeWholeUploads(test, algorithm);
    describeChunkedUploads(test, algorithm);
    describeMounts(test, algorithm);
    describeWrongDigests(test, algorithm);
  }
  for (const bytes of [Buffer.alloc(0), Buffer.from("{}")]) {
    test(`a blob of ${bytes.length} bytes is pushed and served`, async (bench) => {
      await pushBlob(bench.origin, bench.repository, bytes);
      await expectBlob(bench, bytes, "sha256");
    });
  }
  test("DELETE of an upload answers 204, and nothing is left of it", async (bench) => {
    const location = await begin(bench);
    assert.equal((await call(bench.origin, "DELETE", location)).status, 204);
    assert.equal((await call(bench.origin, "GET", location)).status, 404);
    assert.equal((await call(bench.origin, "DELETE", location)).status, 404);
  });
}

function describeWholeUploads(test: Declare, algorithm: DigestAlgorithm): void {
  const digest = digestOf(blob, algorithm);
  test(`${algorithm}: a missing blob answers 404`, async ({ origin, repository }) => {
    const { status } = await call(origin, "GET", `/v2/${repository}/blobs/${digest}`);
    assert.equal(status, 404);
  });
  test(`${algorithm}: POST with digest and body answers 201`, async (bench) => {
    const path = `/v2/${bench.repository}/blobs/uploads/?digest=${digest}`;
    const posted = await call(bench.origin, "POST", path, { body: blob, headers: octets });
    assert.equal(posted.status, 201);
    await expectServed(bench, posted, algorithm);
  });
  test(`${algorithm}: POST, then PUT with the body, answers 201`, async (bench) => {
    const put = withQuery(await begin(bench), `digest=${digest}`);
    const answer = await call(bench.origin, "PUT", put, { body: blob, headers: octets });
    assert.equal(answer.status, 201);
    await expectServed(bench, answer, algorithm);
  });
  test(`${algorithm}: PATCH of a stream answers 202, then PUT 201`, async (bench) => {
    const location = await begin(bench);
    const sent = { body: blob, headers: octets, chunked: true };
    const patched = await call(bench.origin, "PATCH", location, sent);
    assert.equal(patched.status, 202);
    assert.equal(patched.headers.range, "0-2999");
    await finish(bench, patched, algorithm);
  });
}

function describeChunkedUploads(test: Declare, algorithm: DigestAlgorithm): void {
  test(`${algorithm}: one chunk, then PUT`, async (bench) => {
    await finish(bench, await patch(bench, await begin(bench), 0, 3000), algorithm);
  });
  test(`${algorithm}: three chunks, then PUT`, async (bench) => {
    const first = await patch(bench, await begin(bench), 0, 1024);
    const second = await patch(bench, locationOf(first, bench.origin), 1024, 2048);
    assert.equal(second.headers.range, "0-2047");
    await finish(
      bench,
      await patch(bench, locationOf(second, bench.origin), 2048, 3000),
      algorithm,
    );
  });
  test(`${algorithm}: the last chunk comes with the PUT`, async (bench) => {
    const first = await patch(bench, await begin(bench), 0, 1024);
    const answer = await lastChunk(bench, first, algorithm, 1024);
    assert.equal(answer.status, 201);
    await expectServed(bench, answer, algorithm);
  });
  test(`${algorithm}: a chunk out of order answers 416, and the upload goes on`, async (bench) => {
    const begun = await begin(bench);
    assert.equal((await patch(bench, begun, 1024, 2048, 416)).headers.range, "0-0");
    const first = await patch(bench, begun, 0, 1024);
    await expectState(
      bench,
      await patch(bench, locationOf(first, bench.origin), 0, 1024, 416),
      1023,
    );
    await expectState(bench, await lastChunk(bench, first, algorithm, 2048, 416), 1023);
    const status = await call(bench.origin, "GET", locationOf(first, bench.origin));
    assert.equal(status.status, 204);
    await expectState(bench, status, 1023);
    const second = await patch(bench, locationOf(status, bench.origin), 1024, 3000);
    await finish(bench, second, algorithm);
  });
}

async function expectState({ origin }: Bench, answer: Answer, last: number): Promise<void> {
  assert.equal(answer.headers.range, `0-${last}`);
  assert.equal((await call(origin, "GET", locationOf(answer, origin))).status, 204);
}

async function lastChunk(
  { origin }: Bench,
  before: Answer,
  algorithm: DigestAlgorithm,
  from: number,
  expected = 201,
): Promise<Answer> {
  const put = withQuery(locationOf(before, origin), `digest=${digestOf(blob, algorithm)}`);
  const headers = { ...octets, "Content-Range": `${from}-2999` };
  const answer = await call(origin, "PUT", put, { headers, body: blob.subarray(from) });
  assert.equal(answer.status, expected, answer.body.toString());
  return answer;
}

function describeMounts(test: Declare, algorithm: DigestAlgorithm): void {
  const digest = digestOf(blob, algorithm);
  test(`${algorithm}: a mount answers 201, and the blob is served`, async (bench) => {
    const from = `${bench.repository}/source`;
    await pushBlob(bench.origin, from, blob, algorithm);
    const path = `/v2/${bench.repository}/blobs/uploads/?mount=${digest}&from=${from}`;
    const answer = await call(bench.origin, "POST", path, { body: "" });
    assert.equal(answer.status, 201);
    await expectServed(bench, answer, algorithm);
  });
  for (const [state, pushTo] of [
    ["that a manifest names", (bench: Bench) => pushNamed(bench, algorithm)],
    [
      "that nothing names yet",
      ({ origin, repository }: Bench) => pushBlob(origin, repository, blob, algorithm),
    ],
  ] as const) {
    test(`${algorithm}: a mount without a source of a blob ${state} answers 201`, async (bench) => {
      await pushTo({ ...bench, repository: `${bench.repository}/source` });
      const path = `/v2/${bench.repository}/blobs/uploads/?mount=${digest}`;
      const answer = await call(bench.origin, "POST", path, { body: "" });
      assert.equal(answer.status, 201);
      await expectServed(bench, answer, algorithm);
    });
  }
  test(`${algorithm}: a mount of a missing blob answers 202, and is an upload`, async (bench) => {
    const nothing = digestOf(Buffer.from("nobody has this"), algorithm);
    const from = `${bench.repository}/source`;
    for (const source of ["", `&from=${from}`]) {
      const path = `/v2/${bench.repository}/blobs/uploads/?mount=${nothing}${source}`;
      const answer = await call(bench.origin, "POST", path, { body: "" });
      assert.equal(answer.status, 202);
      await finish(bench, await patch(bench, locationOf(answer, bench.origin), 0, 3000), algorithm);
    }
  });
}

/** Pushes the blob, and a manifest that names it. */
async function pushNamed({ origin, repository }: Bench, algorithm: DigestAlgorithm): Promise<void> {
  const digest = await pushBlob(origin, repository, blob, algorithm);
  const config = Buffer.from("{}");
  await pushBlob(origin, repository, config);
  const named = { mediaType: mediaTypes.ociEmpty, digest: digestOf(config), size: config.length };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: named,
    layers: [{ mediaType: mediaTypes.ociLayer, digest, size: blob.length }],
  };
  const { status, body } = await call(origin, "PUT", `/v2/${repository}/manifests/named`, {
    headers: { "Content-Type": mediaTypes.ociManifest },
    body: JSON.stringify(manifest),
  });
  assert.equal(status, 201, body.toString());
}

function describeWrongDigests(test: Declare, algorithm: DigestAlgorithm): void {
  const wrong = digestOf(Buffer.from("something else"), algorithm);
  const modes: Record<string, (bench: Bench) => Promise<Answer>> = {
    "POST alone": ({ origin, repository }) =>
      call(origin, "POST", `/v2/${repository}/blobs/uploads/?digest=${wrong}`, { body: blob }),
    "POST and PUT": async (bench) =>
      call(bench.origin, "PUT", withQuery(await begin(bench), `digest=${wrong}`), { body: blob }),
    chunks: async (bench) => endWrongly(bench, await patch(bench, await begin(bench), 0, 3000)),
    "a stream": async (bench) =>
      endWrongly(bench, await call(bench.origin, "PATCH", await begin(bench), { body: blob })),
    "the last chunk": async (bench) => {
      const first = await patch(bench, await begin(bench), 0, 1024);
      const put = withQuery(locationOf(first, bench.origin), `digest=${wrong}`);
      return call(bench.origin, "PUT", put, { body: blob.subarray(1024) });
    },
  };
  const endWrongly = ({ origin }: Bench, answer: Answer) =>
    call(origin, "PUT", withQuery(locationOf(answer, origin), `digest=${wrong}`), { body: "" });
  for (const [mode, push] of Object.entries(modes)) {
    test(`${algorithm}: a wrong digest by ${mode} answers 400`, async (bench) => {
      const answer = await push(bench);
      assert.equal(answer.status, 400);
      assert.equal(answer.code, "DIGEST_INVALID");
      for (const digest of [wrong, digestOf(blob, algorithm)]) {
        const path = `/v2/${bench.repository}/blobs/${digest}`;
        assert.equal((await call(bench.origin, "GET", path)).status, 404);
      }
    });
  }
}

async function begin({ origin, repository }: Bench): Promise<string> {
  const answer = await call(origin, "POST", `/v2/${repository}/blobs/uploads/`, { body: "" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers["content-length"], "0");
  return locationOf(answer, origin);
}

async function patch(
  { origin }: Bench,
  location: string,
  start: number,
  end: number,
  expected = 202,
): Promise<Answer> {
  const answer = await call(origin, "PATCH", location, {
    headers: { ...octets, "Content-Range": `${start}-${end - 1}` },
    body: blob.subarray(start, end),
  });
  assert.equal(answer.status, expected, answer.body.toString());
  return answer;
}

async function finish(bench: Bench, before: Answer, algorithm: DigestAlgorithm): Promise<void> {
  const digest = digestOf(blob, algorithm);
  const put = withQuery(locationOf(before, bench.origin), `digest=${digest}`);
  const answer = await call(bench.origin, "PUT", put, { body: "" });
  assert.equal(answer.status, 201, answer.body.toString());
  await expectServed(bench, answer, algorithm);
}

/** The blob is where the answer says, and where it must be. */
async function expectServed(
  bench: Bench,
  answer: Answer,
  algorithm: DigestAlgorithm,
): Promise<void> {
  assert.equal(answer.headers["docker-content-digest"], digestOf(blob, algorithm));
  const { origin } = bench;
  const { status, body } = await call(origin, "GET", locationOf(answer, origin));
  assert.equal(status, 200);
  assert.ok(body.equals(blob));
  await expectBlob(bench, blob, algorithm);
}

async function expectBlob(
  { origin, repository }: Bench,
  bytes: Uint8Array,
  algorithm: DigestAlgorithm,
): Promise<void> {
  const path = `/v2/${repository}/blobs/${digestOf(bytes, algorithm)}`;
  for (const method of ["HEAD", "GET"]) {
    const answer = await call(origin, method, path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-length"], String(bytes.length));
    assert.ok(answer.body.equals(method === "GET" ? bytes : Buffer.alloc(0)));
  }
}
