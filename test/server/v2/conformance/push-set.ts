import assert from "node:assert/strict";
import type { Digest } from "../../../../src/core/digest.ts";
import { call, locationOf, pushBlob } from "../../../support/server/client.ts";
import type { DataSet, SampleManifest } from "../../../support/server/data-sets.ts";
import type { Bench } from "./subject.ts";

/** Pushes blobs and manifests, each manifest by digest and then as `tag-0`, `tag-1`… where its digest is sha256. */
export async function pushSet(bench: Bench, { blobs, manifests }: DataSet): Promise<void> {
  for (const bytes of blobs) await pushBlob(bench.origin, bench.repository, bytes);
  for (const [at, manifest] of manifests.entries()) {
    await putManifest(bench, manifest, manifest.digest);
    if (manifest.digest.startsWith("sha256:")) await putManifest(bench, manifest, `tag-${at}`);
  }
}

/** Puts a manifest: 201, and what it says of itself is so. */
export async function putManifest(
  { origin, repository }: Bench,
  manifest: SampleManifest,
  reference: Digest | string,
): Promise<void> {
  const { mediaType, bytes, digest, subject } = manifest;
  const headers = { "Content-Type": mediaType };
  const path = `/v2/${repository}/manifests/${reference}`;
  const put = await call(origin, "PUT", path, { headers, body: bytes });
  assert.equal(put.status, 201, put.body.toString());
  assert.equal(put.headers["docker-content-digest"], digest);
  assert.equal(put.headers["oci-subject"], subject);
  await expectManifest(origin, locationOf(put, origin), manifest);
}

/** HEAD and GET give this very manifest. */
export async function expectManifest(
  origin: string,
  path: string,
  { mediaType, bytes, digest }: SampleManifest,
): Promise<void> {
  for (const method of ["HEAD", "GET"]) {
    const answer = await call(origin, method, path, { headers: { Accept: mediaType } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], mediaType);
    assert.equal(answer.headers["content-length"], String(bytes.length));
    assert.equal(answer.headers["docker-content-digest"], digest);
    assert.ok(answer.body.equals(method === "GET" ? bytes : Buffer.alloc(0)));
  }
}
