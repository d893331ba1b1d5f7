import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransfers } from "../../src/copy/transfers.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { type BlobPlaces, createBlobPlaces } from "../../src/registry/blob-places.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { mirrorRule, mirrorWith } from "../support/mirror.ts";
import type { Operation } from "../support/registry/operation.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { startTokenServer } from "../support/token-server.ts";

const image = makeImage({ type: "oci", layers: 2, layerBytes: 100_000 });
const blobs = 3;
const { signal } = new AbortController();

/** An image in a source, an empty destination, and rules that bring it to several repositories of that. */
async function world(repositories: readonly string[], destination: Registry) {
  const source = await startRegistry();
  source.seed("app", "v1", image);
  const rules = repositories.map((name) =>
    mirrorRule(`docker://${source.host}/app`, `docker://${destination.host}/${name}`),
  );
  return { rules, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

/** Requests of one repository, in alphabetical order. */
function requestsOf(registry: Registry, repository: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const own = registry.log.entries.filter(({ operation }) => isOf(operation, repository));
  for (const { template } of own) counts[template] = (counts[template] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).toSorted());
}

function isOf(operation: Operation, repository: string): boolean {
  return "repository" in operation && operation.repository === repository;
}

test("runMirror() mounts what it has brought to one repository into the others", async () => {
  await using destination = await startRegistry();
  await using given = await world(["a", "b", "c"], destination);
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, given.rules, { parallel: 1 });
  assert.equal(summary.copied, 3);
  assert.deepEqual(requestsOf(destination, "b"), {
    "HEAD manifest": 1,
    "POST uploads?mount&from": blobs,
    "PUT manifest": 1,
  });
  assert.deepEqual(requestsOf(destination, "c"), requestsOf(destination, "b"));
  assert.equal(destination.log.of("PUT upload").length, blobs);
});

test("runMirror() sends a blob once however many repositories want it at once", async () => {
  await using destination = await startRegistry();
  const repositories = Array.from({ length: 12 }, (_, n) => `r${n}`);
  await using given = await world(repositories, destination);
  await using engine = new Engine();
  const { summary } = await mirrorWith(engine, given.rules, {
    parallel: 12,
    transfers: createTransfers(2),
  });
  assert.equal(summary.copied, 12);
  assert.equal(destination.log.of("PUT upload").length, blobs);
  assert.equal(destination.log.of("DELETE upload").length, 0);
});

/** As if another worker had told that a repository holds the image. */
function toldOf(repository: string): BlobPlaces {
  const places = createBlobPlaces();
  for (const blob of image.blobs.keys()) places.placed(parseDigest(blob), repository);
  return places;
}

test("runMirror() sends what it may not mount, and asks for that repository once only", async () => {
  const may = (_user: string | undefined, resource: string) => !resource.endsWith(":secret");
  await using tokens = await startTokenServer({ users: { ann: "secret" }, may });
  const { issuer, realm } = tokens;
  await using destination = await startRegistry({ access: { kind: "bearer", issuer, realm } });
  destination.seed("secret", "v1", image);
  await using given = await world(["b", "c"], destination);
  const blobPlaces = toldOf("secret");
  await using engine = new Engine({
    credentials: { [destination.host]: { username: "ann", password: "secret" } },
    hostOptions: (domain) => (domain === destination.host ? { blobPlaces } : {}),
  });
  const { summary } = await mirrorWith(engine, given.rules, { parallel: 1 });
  assert.equal(summary.copied, 2);
  assert.equal(destination.log.of("PUT upload").length, blobs);
  const asked = destination.log.of("POST uploads?mount&from").map(({ path }) => path);
  assert.ok(asked.some((path) => path.startsWith("/v2/b/") && path.endsWith("from=secret")));
  assert.deepEqual(
    asked.filter((path) => path.startsWith("/v2/c/") && !path.endsWith("from=b")),
    [],
  );
});

test("runMirror() sends what turns out not to be where it was", async () => {
  for (const mount of ["ignore", 403, 404, 500] as const) {
    await using destination = await startRegistry({ features: { mount } });
    await using given = await world(["b"], destination);
    const blobPlaces = toldOf("gone");
    await using engine = new Engine({
      hostOptions: (domain) => (domain === destination.host ? { blobPlaces } : {}),
    });
    const { summary } = await mirrorWith(engine, given.rules);
    assert.deepEqual([mount, summary.copied], [mount, 1]);
    assert.equal(destination.log.of("PUT upload").length, blobs);
    const [layer] = image.layers;
    assert.ok(layer && !(await blobPlaces.find(layer.digest, signal)).includes("gone"));
  }
});

test("runMirror() looks for what another worker is said to have brought to the repository", async () => {
  await using destination = await startRegistry();
  destination.seed("b", "other", image);
  await using given = await world(["b"], destination);
  const blobPlaces = toldOf("b");
  await using engine = new Engine({
    hostOptions: (domain) => (domain === destination.host ? { blobPlaces } : {}),
  });
  await mirrorWith(engine, given.rules);
  assert.deepEqual(requestsOf(destination, "b"), {
    "HEAD blob": blobs,
    "HEAD manifest": 1,
    "PUT manifest": 1,
  });
});
