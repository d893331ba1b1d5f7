import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { Exclusively } from "../../src/registry/options.ts";
import { referrersTag } from "../../src/registry/referrers-tag.ts";
import { artifactAbout } from "../support/artifacts.ts";
import { Engine } from "../support/engine.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { testHost } from "./support.ts";

const { signal } = new AbortController();
const subject = digestOf(Buffer.from("subject"));
const tag = referrersTag(subject);
const artifacts = Array.from({ length: 12 }, (_, seed) => artifactAbout(subject, { seed }));
const digests = artifacts.map(({ digest }) => digest);

function withoutApi(features = {}): Promise<Registry> {
  return startRegistry({ features: { referrers: false, validates: false, ...features } });
}

function seedList(registry: Registry, document: object): void {
  const mediaType = mediaTypes.ociIndex;
  const bytes = Buffer.from(JSON.stringify(document));
  registry.seed("app", tag, { blobs: new Map(), manifests: [{ mediaType, bytes }] });
}

function listIn(registry: Registry) {
  const there = registry.store.repositories.get("app");
  const bytes = there?.manifests.get(there.tags.get(tag) ?? "")?.bytes;
  return JSON.parse(Buffer.from(bytes ?? "{}").toString());
}

const digestsIn = (registry: Registry): string[] =>
  (listIn(registry).manifests ?? []).map(({ digest }: { digest: string }) => digest);

test("pushManifest() enters a manifest in its subject's list, as its own words have it", async () => {
  await using registry = await withoutApi();
  await using client = testHost(registry.host);
  const [artifact] = artifacts;
  assert.ok(artifact);
  const repository = client.host.repository("app", "write");
  await repository.pushManifest(artifact.digest, artifact.manifest, { signal });
  assert.deepEqual(listIn(registry), {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [artifact.entry],
  });
  registry.features = { ...registry.features, referrers: true };
  registry.log.clear();
  await repository.pushManifest(artifact.digest, artifact.manifest, { signal });
  assert.deepEqual(registry.log.counts(), { "PUT manifest": 1 });
});

test("changes that wait for one under way are made together", async () => {
  await using registry = await withoutApi();
  await using client = testHost(registry.host);
  await Promise.all(
    artifacts.map(({ entry }) =>
      client.host.repository("app", "write").addReferrer(subject, entry, { signal }),
    ),
  );
  assert.deepEqual(digestsIn(registry), digests);
  assert.equal(registry.log.of("PUT manifest").length, 2);
});

test("a list keeps what others wrote into it: order, annotations, and what is unknown", async () => {
  await using registry = await withoutApi();
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    annotations: { "org.example.made-by": "another" },
    manifests: [
      { mediaType: "x/y", digest: digests[5], size: 3, annotations: { a: "b" }, "x-more": [1] },
      { mediaType: "application/vnd.unknown", digest: "blake3:00", size: "many" },
      artifacts[3]?.entry,
    ],
    "x-else": { deep: true },
  };
  seedList(registry, document);
  await using client = testHost(registry.host);
  const [artifact] = artifacts;
  assert.ok(artifact);
  const repository = client.host.repository("app", "write");
  await repository.addReferrer(subject, artifact.entry, { signal });
  assert.deepEqual(listIn(registry), {
    ...document,
    manifests: [...document.manifests, artifact.entry],
  });
  await repository.removeReferrer(subject, artifact.digest, { signal });
  assert.deepEqual(listIn(registry), document);
});

test("what is no list is left, and it is told", async () => {
  await using registry = await withoutApi();
  const mediaType = mediaTypes.ociManifest;
  const bytes = artifacts[7]?.manifest.bytes ?? new Uint8Array();
  registry.seed("app", tag, { blobs: new Map(), manifests: [{ mediaType, bytes }] });
  await using client = testHost(registry.host);
  const [artifact] = artifacts;
  assert.ok(artifact);
  const adding = client.host
    .repository("app", "write")
    .addReferrer(subject, artifact.entry, { signal });
  await assert.rejects(adding, { code: "registry.bad-response" });
  assert.equal(registry.store.repositories.get("app")?.tags.get(tag), artifacts[7]?.digest);
});

test("a list that would be too large is told of before it is sent", async () => {
  await using registry = await withoutApi();
  const filler = "x".repeat(4 * 1024 * 1024 - 1300);
  const document = {
    schemaVersion: 2,
    manifests: [{ ...artifacts[1]?.entry, annotations: { filler } }],
  };
  seedList(registry, document);
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  let added = 0;
  await assert.rejects(
    async () => {
      for (const { entry } of artifacts.slice(2)) {
        await repository.addReferrer(subject, entry, { signal });
        added++;
      }
    },
    { code: "registry.upload-failed" },
  );
  assert.ok(added > 0);
  assert.equal(digestsIn(registry).length, 1 + added);
});

test("an entry that another writer has lost is brought back, own or not, unless it was deleted", async () => {
  await using registry = await withoutApi();
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  for (const { digest, manifest } of artifacts.slice(0, 4)) {
    await repository.pushManifest(digest, manifest, { signal });
  }
  registry.store.repositories.get("app")?.manifests.delete(digests[0] ?? "");
  seedList(registry, { schemaVersion: 2, manifests: [artifacts[2]?.entry] });
  await repository.addReferrer(subject, artifacts[5]?.entry ?? ({} as never), { signal });
  assert.deepEqual(digestsIn(registry), [digests[2], digests[1], digests[3], digests[5]]);
});

test("entries of what was deleted do not keep later ones out of a registry that looks", async () => {
  await using registry = await withoutApi();
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  for (const { digest, manifest } of artifacts.slice(0, 3)) {
    await repository.pushManifest(digest, manifest, { signal });
  }
  registry.store.repositories.get("app")?.manifests.delete(digests[1] ?? "");
  registry.features = { ...registry.features, validates: true };
  await using other = testHost(registry.host);
  const later = other.host.repository("app", "write");
  const absent = artifacts[4]?.entry ?? ({} as never);
  await assert.rejects(later.addReferrer(subject, absent, { signal }), {
    code: "registry.content-missing",
  });
  assert.deepEqual(digestsIn(registry), digests.slice(0, 3), "its own entry is not left out");
  registry.features = { ...registry.features, validates: false };
  const [, , , added] = artifacts;
  assert.ok(added);
  await later.writeManifest(added.digest, added.manifest, { signal });
  registry.features = { ...registry.features, validates: true };
  await later.addReferrer(subject, added.entry, { signal });
  assert.deepEqual(digestsIn(registry), [digests[0], digests[2], digests[3]]);
});

test("a list that changes between reading and writing is read again, with conditions or without", async () => {
  for (const conditions of [true, false]) {
    await using registry = await withoutApi({ conditions });
    let others = 0;
    registry.behave({
      on: ({ method, reference }) => method === "PUT" && reference === tag,
      times: 5,
      fault: {
        arrive: () => {
          const other = artifacts[6 + (others++ % 5)]?.entry;
          seedList(registry, {
            schemaVersion: 2,
            manifests: [...(listIn(registry).manifests ?? []), other],
          });
          return undefined;
        },
      },
    });
    await using client = testHost(registry.host);
    const [artifact] = artifacts;
    assert.ok(artifact);
    const repository = client.host.repository("app", "write");
    await repository.addReferrer(subject, artifact.entry, { signal });
    assert.ok(digestsIn(registry).includes(artifact.digest));
    if (conditions) {
      assert.deepEqual(
        digestsIn(registry).sort(),
        [artifact.digest, ...digests.slice(6, 11)].sort(),
      );
    }
  }
});

test("writers that share turns do not wait for others, and take them again where they were lost", async () => {
  await using registry = await withoutApi();
  const keys: string[] = [];
  const exclusively: Exclusively = async (key, _signal, work) => {
    keys.push(key);
    const lost = new AbortController();
    if (keys.length === 1) lost.abort(new Error("the turn was lost"));
    return await work(lost.signal);
  };
  await using client = testHost(registry.host, { exclusively });
  const [artifact] = artifacts;
  assert.ok(artifact);
  const repository = client.host.repository("app", "write");
  await repository.addReferrer(subject, artifact.entry, { signal });
  assert.deepEqual(digestsIn(registry), [artifact.digest]);
  assert.deepEqual(keys, Array(2).fill(`referrers ${registry.host}/app@${subject}`));
  assert.deepEqual(client.clock.slept, []);
});

test("who gives up waiting does not call off the others", async () => {
  await using registry = await withoutApi();
  const gate = Promise.withResolvers<void>();
  registry.behave({
    on: ({ method, reference }) => method === "GET" && reference === tag,
    fault: {
      arrive: async () => {
        await gate.promise;
        return undefined;
      },
    },
  });
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  const [first, second, third] = artifacts.map(({ entry }) => entry);
  assert.ok(first && second && third);
  const stop = new AbortController();
  const given = repository.addReferrer(subject, second, { signal: stop.signal });
  const kept = [first, third].map((entry) => repository.addReferrer(subject, entry, { signal }));
  stop.abort(new Error("enough"));
  await assert.rejects(given, { message: "enough" });
  gate.resolve();
  await Promise.all(kept);
  assert.deepEqual(digestsIn(registry), [first.digest, third.digest]);
});

test("a plain copy of an artifact enters it in its subject's list", async () => {
  await using source = await startRegistry();
  await using registry = await withoutApi();
  const [artifact] = artifacts;
  assert.ok(artifact);
  source.seed("app", "sbom", artifact);
  await using engine = new Engine();
  await engine.copy(`docker://${source.host}/app:sbom`, `docker://${registry.host}/app:sbom`);
  assert.deepEqual(listIn(registry).manifests, [artifact.entry]);
});
