import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, parseDigest } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { referrersTag } from "../../src/registry/referrers-tag.ts";
import { makeImage } from "../support/images.ts";
import { startQuirk } from "../support/quirks.ts";
import { emptyReply, jsonReply, textReply } from "../support/registry/reply.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { testHost } from "./support.ts";

const { signal } = new AbortController();
const image = makeImage();

async function withTags(tags: readonly string[]): Promise<Registry> {
  const registry = await startRegistry();
  for (const tag of tags) registry.seed("app", tag, image);
  return registry;
}

test("listTags() follows pages, in the registry's order", async () => {
  const tags = Array.from({ length: 25 }, (_, index) => `t${String(index).padStart(2, "0")}`);
  await using registry = await withTags(tags);
  registry.features = { ...registry.features, pageLimit: 10 };
  await using reader = testHost(registry.host);
  assert.deepEqual(await reader.host.repository("app", "read").listTags({ signal }), tags);
  assert.equal(registry.log.entries.length, 3);
});

test("listTags() drops nulls, empty names and digests, and refuses other names", async () => {
  await using registry = await withTags(["v1"]);
  const digest = `sha256:${"a".repeat(64)}`;
  registry.features = { ...registry.features, strangeTags: [null, "", digest] };
  await using reader = testHost(registry.host);
  const repository = reader.host.repository("app", "read");
  assert.deepEqual(await repository.listTags({ signal }), ["v1"]);
  registry.features = { ...registry.features, strangeTags: ["not a tag"] };
  await assert.rejects(repository.listTags({ signal }), {
    code: "registry.bad-response",
    message: 'registry returned invalid tag "not a tag": invalid tag format',
  });
});

test("listTags() says why an answer is no list of tags, in Go's words", async () => {
  await using registry = await startRegistry();
  await using reader = testHost(registry.host);
  for (const [body, message] of [
    ["<html>", "invalid character '<' looking for beginning of value"],
    ['{"tags":["v1"', "unexpected EOF"],
    ["", "EOF"],
    ['{"tags":{}}', "json: cannot unmarshal object into Go struct field .Tags of type []string"],
  ] as const) {
    const reply = textReply(200, body);
    registry.behave({ on: "GET tags", fault: { arrive: () => reply } });
    const listing = reader.host.repository("app", "read").listTags({ signal });
    await assert.rejects(listing, { code: "registry.bad-response", message });
  }
});

test("listTags() asks no other host for a page, however its address is written", async () => {
  await using registry = await withTags(["v1"]);
  await using other = await startRegistry();
  await using reader = testHost(registry.host);
  const names = [`/.//${other.host}/v2/`, `http://x//${other.host}/v2/`, `//${other.host}/v2/`];
  for (const [index, name] of names.entries()) {
    const reply = jsonReply(
      200,
      { name: "app", tags: [`t${index}`] },
      { link: `<${name}>; rel="next"` },
    );
    registry.behave({ on: "GET tags", times: 1, fault: { arrive: () => reply } });
    await reader.host
      .repository("app", "read")
      .listTags({ signal })
      .catch(() => {});
    assert.deepEqual(other.log.entries, [], name);
  }
});

test("listTags() goes on behind a page of which nothing is a tag", async () => {
  await using registry = await startRegistry();
  const link = '</v2/app/tags/list?last=b>; rel="next"';
  const digest = `sha256:${"a".repeat(64)}`;
  const pages = [
    [["a"], { link: link.replace("=b", "=a") }],
    [[digest, null], { link }],
    [["c"], {}],
  ] as const;
  let asked = 0;
  const arrive = () => {
    const [tags, headers] = pages[asked++] ?? [[], {}];
    return jsonReply(200, { name: "app", tags }, headers);
  };
  registry.behave({ on: "GET tags", times: pages.length, fault: { arrive } });
  await using reader = testHost(registry.host);
  assert.deepEqual(await reader.host.repository("app", "read").listTags({ signal }), ["a", "c"]);
});

test("listTags() stops where pages lead in a circle or bring nothing new", async () => {
  await using registry = await startRegistry();
  let page = 0;
  const circle = {
    arrive: () =>
      jsonReply(
        200,
        { name: "app", tags: ["a"] },
        { link: `</v2/app/tags/list?page=${page++}>; rel="next"` },
      ),
  };
  registry.behave({ on: "GET tags", times: 1000, fault: circle });
  await using reader = testHost(registry.host);
  assert.deepEqual(await reader.host.repository("app", "read").listTags({ signal }), ["a"]);
  assert.equal(registry.log.entries.length, 2);
});

for (const body of ["<html>", "[]", '{"tags":{}}', '{"tags":[1]}', '{"tags":["ok",{}]}']) {
  test(`listTags() refuses ${body}`, async () => {
    await using registry = await startRegistry();
    registry.behave({
      on: "GET tags",
      fault: {
        reply: (reply) => ({ ...reply, status: 200, headers: {}, body: Buffer.from(body) }),
      },
    });
    await using reader = testHost(registry.host);
    const listing = reader.host.repository("app", "read").listTags({ signal });
    if (body === "[]") assert.deepEqual(await listing, []);
    else await assert.rejects(listing, { code: "registry.bad-response" });
  });
}

test("deleteManifest() asks for what the token service gives", async () => {
  for (const quirk of ["quay", "dockerHub"] as const) {
    await using there = await startQuirk(quirk);
    there.registry.seed("app", "v1", image);
    await using client = testHost(there.registry.host, {
      credentials: { username: "ann", password: "secret" },
    });
    const repository = client.host.repository("app", "delete");
    const manifest = await repository.readManifest("v1", { signal });
    assert.equal(digestOf(manifest.bytes), image.digest);
    // the test registry wants "delete" for it, which this token service has not
    if (quirk === "quay") await assert.rejects(repository.deleteManifest(image.digest, { signal }));
    else await repository.deleteManifest(image.digest, { signal });
  }
});

test("deleteManifest() tells that a registry does not delete", async () => {
  await using registry = await withTags(["v1"]);
  registry.features = { ...registry.features, deleteManifest: false, deleteTag: false };
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "delete");
  await assert.rejects(repository.deleteManifest(image.digest, { signal }), {
    code: "registry.unsupported",
  });
  await assert.rejects(repository.deleteManifest("v1", { signal }), {
    code: "registry.unsupported",
  });
});

const subject = parseDigest(`sha256:${"1".repeat(64)}`);
const entryOf = (seed: string) => ({
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(Buffer.from(seed)),
  size: 7,
  artifactType: `application/${seed}`,
});

test("addReferrer() and removeReferrer() keep the fallback tag of a registry without the API", async () => {
  await using registry = await startRegistry({ features: { referrers: false, validates: false } });
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  assert.deepEqual(await repository.readReferrers(subject, { signal }), []);
  await repository.addReferrer(subject, entryOf("a"), { signal });
  await repository.addReferrer(subject, entryOf("b"), { signal });
  await repository.addReferrer(subject, entryOf("a"), { signal });
  assert.deepEqual(await repository.readReferrers(subject, { signal }), [
    entryOf("a"),
    entryOf("b"),
  ]);
  const only = await repository.readReferrers(subject, { signal, artifactType: "application/b" });
  assert.deepEqual(only, [entryOf("b")]);
  assert.equal(registry.log.of("GET referrers").length, 1);
  await repository.removeReferrer(subject, entryOf("a").digest, { signal });
  await repository.removeReferrer(subject, entryOf("b").digest, { signal });
  assert.equal(registry.store.repositories.get("app")?.tags.has(referrersTag(subject)), false);
});

test("readReferrers() reads by the API, and writeManifest() tells that it noted a subject", async () => {
  await using registry = await startRegistry({ features: { validates: false } });
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType: "application/x",
      config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(Buffer.from("{}")), size: 2 },
      layers: [],
      subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 },
    }),
  );
  const digest = digestOf(bytes);
  const manifest = { mediaType: mediaTypes.ociManifest, digest, bytes };
  assert.deepEqual(await repository.writeManifest(digest, manifest, { signal }), {
    subjectNoted: true,
    tagsTaken: [],
  });
  const [found] = await repository.readReferrers(subject, { signal });
  assert.equal(found?.digest, digest);
  assert.deepEqual(await repository.readReferrers(subject, { signal, artifactType: "other" }), []);
});

test("readReferrers() takes an HTML page for a registry without the API", async () => {
  await using registry = await startRegistry();
  registry.behave({
    on: "GET referrers",
    fault: { reply: (reply) => ({ ...reply, headers: {}, body: Buffer.from("<html>") }) },
  });
  await using client = testHost(registry.host);
  assert.deepEqual(
    await client.host.repository("app", "read").readReferrers(subject, { signal }),
    [],
  );
});

test("addReferrer() tries again where another writer was faster, and says so at last", async () => {
  await using registry = await startRegistry({ features: { referrers: false, validates: false } });
  registry.behave({
    on: "PUT manifest",
    times: 99,
    fault: { arrive: () => emptyReply(201) },
  });
  await using client = testHost(registry.host);
  const adding = client.host
    .repository("app", "write")
    .addReferrer(subject, entryOf("a"), { signal });
  await assert.rejects(adding, { code: "registry.upload-failed" });
  assert.equal(registry.log.of("PUT manifest").length, 24);
});
