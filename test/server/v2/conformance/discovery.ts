import assert from "node:assert/strict";
import { digestOf } from "../../../../src/core/digest.ts";
import { mediaTypes } from "../../../../src/core/media-type.ts";
import { call } from "../../../support/server/client.ts";
import { dataSets } from "../../../support/server/data-sets.ts";
import { putManifest } from "./push-set.ts";
import type { Bench, Declare } from "./subject.ts";

/** Conformance suite 1.1.1, "Content discovery", and of the newer one what an empty repository answers. */
export function describeDiscovery(test: Declare): void {
  test("the tags of an empty repository answer 200 or 404", async ({ origin, repository }) => {
    const { status } = await call(origin, "GET", `/v2/${repository}/tags/list`);
    assert.ok([200, 404].includes(status));
  });
  test("the referrers of an unknown digest are an empty index", async ({ origin, repository }) => {
    const unknown = digestOf(Buffer.from("unknown"));
    const answer = await call(origin, "GET", `/v2/${repository}/referrers/${unknown}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], mediaTypes.ociIndex);
    assert.deepEqual(JSON.parse(answer.body.toString()), {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [],
    });
  });
  test("tags come sorted, n at a time, behind last, and Link leads through them", async (bench) => {
    const { origin, repository } = bench;
    const tags = ["0", "B", "Z", "_a", "a", "b-1", "b.1", "test0", "test1"];
    await tagAll(bench, tags);
    const list = async (query: string) =>
      JSON.parse((await call(origin, "GET", `/v2/${repository}/tags/list${query}`)).body.toString())
        .tags;
    assert.deepEqual(await list(""), tags);
    assert.deepEqual(await list("?n=4"), tags.slice(0, 4));
    assert.deepEqual(await list("?n=0"), []);
    assert.deepEqual(await list("?n=100000000"), tags);
    assert.deepEqual(await list("?last=Z"), tags.slice(3));
    assert.deepEqual(await list("?n=2&last=YYY"), tags.slice(2, 4));
    assert.deepEqual(await list("?last=test1"), []);
    assert.deepEqual(await followed(origin, `/v2/${repository}/tags/list?n=2&x=%20y`), tags);
    assert.deepEqual(await followed(origin, `/v2/${repository}/tags/list?n=9`), tags);
  });
}

async function tagAll(bench: Bench, tags: readonly string[]): Promise<void> {
  const [sample] = dataSets["empty index"]?.manifests ?? [];
  assert.ok(sample);
  for (const tag of tags) await putManifest(bench, sample, tag);
}

/** All tags, page by page. */
async function followed(origin: string, path: string): Promise<string[]> {
  const found: string[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const { status, body, headers } = await call(origin, "GET", next);
    assert.equal(status, 200);
    found.push(...JSON.parse(body.toString()).tags);
    next = /^<([^>]+)>; rel="next"$/.exec(String(headers["link"] ?? ""))?.[1];
    if (next !== undefined && path.includes("x=")) assert.match(next, /x=%20y/);
  }
  return found;
}
