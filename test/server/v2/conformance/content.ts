import assert from "node:assert/strict";
import { type Digest, digestOf } from "../../../../src/core/digest.ts";
import { mediaTypes } from "../../../../src/core/media-type.ts";
import { call, pushBlob } from "../../../support/server/client.ts";
import { type DataSet, dataSets, type SampleManifest } from "../../../support/server/data-sets.ts";
import { expectManifest, pushSet, putManifest } from "./push-set.ts";
import type { Bench, Declare } from "./subject.ts";

/** The data sets of the newer conformance suite, each pushed, listed, served and deleted. */
export function describeContent(test: Declare): void {
  for (const [name, set] of Object.entries(dataSets)) {
    test(`${name}: pushed, listed, served, deleted`, async (bench) => {
      await pushSet(bench, set);
      await expectTags(bench, set);
      await expectAll(bench, set);
      await expectReferrers(bench, set);
      await deleteAll(bench, set);
    });
  }
  describeTagParameters(test);
  describeRefused(test);
}

function tagsOf({ manifests }: DataSet): string[] {
  const tags = manifests.map(({ digest }, at) => (digest.startsWith("sha256:") ? `tag-${at}` : ""));
  return tags.filter((tag) => tag !== "").sort();
}

async function expectTags({ origin, repository }: Bench, set: DataSet): Promise<void> {
  const tags = tagsOf(set);
  if (tags.length === 0) return;
  const all = await call(origin, "GET", `/v2/${repository}/tags/list`);
  assert.deepEqual(JSON.parse(all.body.toString()), { name: repository, tags });
  const behind = await call(origin, "GET", `/v2/${repository}/tags/list?last=${tags[0]}`);
  assert.deepEqual(JSON.parse(behind.body.toString()).tags, tags.slice(1));
}

async function expectAll({ origin, repository }: Bench, { manifests }: DataSet): Promise<void> {
  for (const [at, manifest] of manifests.entries()) {
    await expectManifest(origin, `/v2/${repository}/manifests/${manifest.digest}`, manifest);
    if (!manifest.digest.startsWith("sha256:")) continue;
    await expectManifest(origin, `/v2/${repository}/manifests/tag-${at}`, manifest);
  }
}

async function expectReferrers(bench: Bench, { manifests }: DataSet): Promise<void> {
  for (const subject of new Set(manifests.flatMap((one) => one.subject ?? one.digest))) {
    const wanted = manifests.filter((one) => one.subject === subject).map(describeReferrer);
    await expectList(bench, `/referrers/${subject}`, wanted);
    for (const type of new Set(wanted.map(({ artifactType }) => artifactType ?? ""))) {
      const path = `/referrers/${subject}?artifactType=${encodeURIComponent(type)}`;
      await expectList(
        bench,
        path,
        wanted.filter(({ artifactType }) => (artifactType ?? "") === type),
      );
    }
  }
}

/** `specs` registry.md 5.2, 6: the config's type where there is no other, and none for an index. */
function describeReferrer(manifest: SampleManifest) {
  const { mediaType, digest, bytes, artifactType, annotations } = manifest;
  return {
    mediaType,
    digest: digest as string,
    size: bytes.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  };
}

async function expectList(
  { origin, repository }: Bench,
  path: string,
  wanted: readonly { readonly digest: string }[],
): Promise<void> {
  const answer = await call(origin, "GET", `/v2/${repository}${path}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], mediaTypes.ociIndex);
  const filtered = path.includes("artifactType=") ? "artifactType" : undefined;
  assert.equal(answer.headers["oci-filters-applied"], filtered);
  const index = JSON.parse(answer.body.toString());
  assert.equal(index.schemaVersion, 2);
  assert.equal(index.mediaType, mediaTypes.ociIndex);
  const byDigest = (one: { digest: string }, other: { digest: string }) =>
    one.digest < other.digest ? -1 : 1;
  assert.deepEqual(index.manifests.sort(byDigest), [...wanted].sort(byDigest));
}

async function deleteAll({ origin, repository }: Bench, set: DataSet): Promise<void> {
  const gone = async (path: string) => {
    assert.equal((await call(origin, "DELETE", `/v2/${repository}/${path}`)).status, 202);
    assert.equal((await call(origin, "HEAD", `/v2/${repository}/${path}`)).status, 404);
  };
  const tags = tagsOf(set);
  for (const [at, tag] of tags.entries()) {
    await gone(`manifests/${tag}`);
    const left = await call(origin, "GET", `/v2/${repository}/tags/list`);
    assert.deepEqual(JSON.parse(left.body.toString()).tags, tags.slice(at + 1));
  }
  for (const digest of new Set([...set.manifests].reverse().map((one) => one.digest))) {
    await gone(`manifests/${digest}`);
  }
  for (const digest of new Set(set.blobs.map((bytes) => digestOf(bytes))))
    await gone(`blobs/${digest}`);
}

function describeTagParameters(test: Declare): void {
  for (const algorithm of ["sha256", "sha512"] as const) {
    test(`${algorithm}: PUT by digest with ?tag= makes all the tags, and says so`, async (bench) => {
      const { origin, repository } = bench;
      const [sample] = dataSets["empty index"]?.manifests ?? [];
      assert.ok(sample);
      const digest = digestOf(sample.bytes, algorithm);
      const path = `/v2/${repository}/manifests/${digest}?tag=one&tag=two`;
      const headers = { "Content-Type": sample.mediaType };
      const put = await call(origin, "PUT", path, { headers, body: sample.bytes });
      assert.equal(put.status, 201);
      assert.equal(put.headers["oci-tag"], "one, two");
      for (const tag of ["one", "two"]) {
        await expectManifest(origin, `/v2/${repository}/manifests/${tag}`, { ...sample, digest });
      }
    });
    test(`${algorithm}: PUT by tag with ?digest= keeps that digest, or answers 400`, async (bench) => {
      const { origin, repository } = bench;
      const [sample] = dataSets["empty index"]?.manifests ?? [];
      assert.ok(sample);
      const put = (digest: Digest) => {
        const path = `/v2/${repository}/manifests/one?digest=${digest}`;
        const headers = { "Content-Type": sample.mediaType };
        return call(origin, "PUT", path, { headers, body: sample.bytes });
      };
      const refused = await put(digestOf(Buffer.from("other"), algorithm));
      assert.deepEqual([refused.status, refused.code], [400, "DIGEST_INVALID"]);
      const digest = digestOf(sample.bytes, algorithm);
      assert.equal((await put(digest)).headers["docker-content-digest"], digest);
      await expectManifest(origin, `/v2/${repository}/manifests/one`, { ...sample, digest });
    });
  }
}

function describeRefused(test: Declare): void {
  const [image] = dataSets["image"]?.manifests ?? [];
  const put = async (bench: Bench, reference: string, body: Uint8Array | string, type: string) => {
    const path = `/v2/${bench.repository}/manifests/${reference}`;
    return call(bench.origin, "PUT", path, { headers: { "Content-Type": type }, body });
  };
  test("a manifest that has another digest than it is put by answers 400", async (bench) => {
    assert.ok(image);
    for (const bytes of dataSets["image"]?.blobs ?? []) {
      await pushBlob(bench.origin, bench.repository, bytes);
    }
    const other = digestOf(Buffer.from("other"));
    const answer = await put(bench, other, image.bytes, image.mediaType);
    assert.equal(answer.status, 400);
    assert.equal(answer.code, "DIGEST_INVALID");
    await putManifest(bench, image, image.digest);
  });
  test("a manifest whose blobs are not there answers 400 or 404", async (bench) => {
    assert.ok(image);
    const answer = await put(bench, "latest", image.bytes, image.mediaType);
    assert.ok([400, 404].includes(answer.status));
    assert.equal(answer.code, "MANIFEST_BLOB_UNKNOWN");
    const path = `/v2/${bench.repository}/manifests/latest`;
    assert.equal((await call(bench.origin, "GET", path)).status, 404);
  });
  test("what is no manifest answers 400", async (bench) => {
    for (const body of ["{}", "[]", "", "{", '{"schemaVersion":3}']) {
      const answer = await put(bench, "latest", body, mediaTypes.ociManifest);
      assert.equal(answer.status, 400, body);
      assert.equal(answer.code, "MANIFEST_INVALID");
    }
  });
}
