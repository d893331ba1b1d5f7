import assert from "node:assert/strict";
import { test } from "node:test";
import { makeArtifact, makeImage, makeMultiArch } from "./images.ts";
import { skipWithout } from "./peers.ts";
import {
  cutResponse,
  dropRequest,
  flipByte,
  ignoreRange,
  loseReply,
  loseUpload,
  refuse,
  reset,
} from "./registry/faults.ts";
import { startRegistry } from "./registry.ts";
import { makeSchema1 } from "./schema1.ts";
import { skopeo } from "./skopeo.ts";
import { startTokenServer } from "./token-server.ts";

const needsSkopeo = { skip: skipWithout("skopeo") };

for (const [name, image] of Object.entries({
  docker: makeImage({ seed: 11 }),
  oci: makeImage({ seed: 12, type: "oci", compression: "zstd" }),
  schema1: makeSchema1("made/schema1", "v1"),
  list: makeMultiArch({ seed: 13 }),
  index: makeMultiArch({ seed: 14, type: "oci" }),
})) {
  test(`skopeo copies a ${name} image from one test registry to another`, needsSkopeo, async () => {
    await using source = await startRegistry();
    await using destination = await startRegistry();
    assert.equal(source.seed("some/thing", "v1", image), image.digest);
    const args = [
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      "--all",
      "--preserve-digests",
    ];
    const from = `docker://${source.host}/some/thing:v1`;
    const to = `docker://${destination.host}/made/schema1:v1`;
    const { exitCode, stderr } = await skopeo(["copy", "-q", ...args, from, to]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(destination.store.open("made/schema1").resolve("v1"), image.digest);
    assert.deepEqual(
      [...destination.store.open("made/schema1").blobs.keys()].sort(),
      [...image.blobs.keys()].sort(),
    );
  });
}

test("a registry with tokens lets skopeo in with a password only", needsSkopeo, async () => {
  await using tokens = await startTokenServer({ users: { ann: "secret" }, anonymous: false });
  const access = { kind: "bearer", issuer: tokens.issuer, realm: tokens.realm } as const;
  await using registry = await startRegistry({ access });
  const image = makeImage();
  registry.seed("private", "v1", image);
  const args = ["inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/private:v1`];
  assert.equal((await skopeo(args)).exitCode, 1);
  const { stdout } = await skopeo([...args, "--creds", "ann:secret"]);
  assert.equal(stdout, Buffer.from(image.bytes).toString());
});

test("referrers are listed by type, and a tag list comes in pages", async () => {
  await using registry = await startRegistry({ features: { pageLimit: 2 } });
  const image = makeImage({ type: "oci" });
  registry.seed("r", "one", image);
  for (const tag of ["two", "three"]) registry.seed("r", tag, image);
  registry.seed("r", undefined, makeArtifact("text/a", Buffer.from("a"), image.descriptor));
  registry.seed("r", undefined, makeArtifact("text/b", Buffer.from("b"), image.descriptor));
  const list = async (query: string) => {
    const answer = await fetch(`${registry.origin}/v2/r/referrers/${image.digest}${query}`);
    const { manifests } = (await answer.json()) as { manifests: { artifactType: string }[] };
    return manifests.map((one) => one.artifactType);
  };
  assert.deepEqual(await list(""), ["text/a", "text/b"]);
  assert.deepEqual(await list("?artifactType=text/b"), ["text/b"]);
  const page = await fetch(`${registry.origin}/v2/r/tags/list`);
  assert.equal(page.headers.get("link"), '</v2/r/tags/list?n=2&last=three>; rel="next"');
});

const blob = Buffer.alloc(300_000, "amphora");
const blobDigest = "sha256:9d7b2a0b1b0d1c5f0f3b8cb6a6b0d3a8c9a0b1f2e3d4c5b6a798897867564534";

test("behave() makes downloads go wrong as told, once", async () => {
  await using registry = await startRegistry();
  registry.seed("r", undefined, { blobs: new Map([[blobDigest, blob]]), manifests: [] });
  const get = async (range?: string) => {
    const answer = await fetch(`${registry.origin}/v2/r/blobs/${blobDigest}`, {
      headers: range ? { range } : {},
    });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  };
  for (const ending of ["reset", "close"] as const) {
    registry.behave({ on: "GET blob", fault: cutResponse(100_000, ending) });
    await assert.rejects(get(), TypeError);
    assert.equal(registry.log.entries.at(-1)?.bytesOut, 100_000);
    assert.deepEqual((await get()).body, blob);
  }
  registry.behave({ on: "GET blob", fault: flipByte(70_000) });
  assert.notDeepEqual((await get()).body, blob);
  const part = await get("bytes=299990-");
  assert.deepEqual([part.status, part.body], [206, blob.subarray(299_990)]);
  registry.behave({ on: "GET blob", fault: ignoreRange() });
  assert.equal((await get("bytes=299990-")).status, 200);
  registry.behave({ fault: reset(), nth: 2 });
  await get();
  await assert.rejects(get(), TypeError);
  registry.behave({ fault: refuse(429, { retryAfter: 7 }), times: 2 });
  assert.deepEqual(
    [(await get()).status, (await get()).status, (await get()).status],
    [429, 429, 200],
  );
});

test("behave() makes uploads go wrong as told", async () => {
  await using registry = await startRegistry({ features: { resumable: true } });
  const open = async () => {
    const url = `${registry.origin}/v2/r/blobs/uploads/`;
    return (await fetch(url, { method: "POST" })).headers.get("location") ?? "";
  };
  const location = await open();
  registry.behave({ on: "PATCH upload", fault: dropRequest(65_536) });
  await assert.rejects(fetch(location, { method: "PATCH", body: blob }));
  const state = await fetch(location);
  assert.deepEqual([state.status, state.headers.get("range")], [204, "0-65535"]);
  registry.behave({ on: "GET upload", fault: loseUpload() });
  assert.equal((await fetch(location)).status, 404);
  const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  registry.behave({ on: "PUT upload", fault: loseReply() });
  await assert.rejects(fetch(`${await open()}&digest=${digest}`, { method: "PUT" }));
  assert.ok(registry.store.open("r").blobs.has(digest));
});
