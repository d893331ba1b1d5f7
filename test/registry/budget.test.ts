import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { startRegistry } from "../support/registry.ts";
import { startTokenServer } from "../support/token-server.ts";
import { assertHolds, copyThrough, testHost } from "./support.ts";

const signal = new AbortController().signal;

test("Repository copies a new image with one request a part at the source and two a blob at the destination", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  const image = makeImage();
  source.seed("app", "v1", image);
  await using from = testHost(source.host);
  await using to = testHost(destination.host);
  await copyThrough(
    from.host.repository("app", "read"),
    to.host.repository("copy", "write"),
    image,
  );
  assertHolds(destination, "copy", image);
  assert.deepEqual(source.log.counts(), { "GET blob": 4, "GET manifest": 1 });
  assert.deepEqual(destination.log.counts(), {
    "POST uploads?mount": 4,
    "PUT manifest": 1,
    "PUT upload": 4,
  });
});

test("Repository asks for one blob of a new image, and then no more", async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  const image = makeImage({ layerBytes: 100_000 });
  source.seed("app", "v1", image);
  await using from = testHost(source.host);
  await using to = testHost(destination.host);
  await copyThrough(
    from.host.repository("app", "read"),
    to.host.repository("copy", "write"),
    image,
  );
  assert.equal(destination.log.of("HEAD blob").length, 1);
  assert.equal(source.log.entries.length + destination.log.entries.length, 15);
});

test("Repository mounts what the registry holds elsewhere, one request a blob", async () => {
  await using registry = await startRegistry();
  const image = makeImage({ layerBytes: 100_000 });
  registry.seed("app", "v1", image);
  await using both = testHost(registry.host);
  const mountFrom = ["app"];
  await copyThrough(
    both.host.repository("app", "read"),
    both.host.repository("copy", "write"),
    image,
    { mountFrom },
  );
  assertHolds(registry, "copy", image);
  assert.deepEqual(registry.log.counts(), {
    "GET manifest": 1,
    "POST uploads?mount&from": 4,
    "PUT manifest": 1,
  });
});

test("headManifest() needs one request, with a token two more", async () => {
  await using tokens = await startTokenServer({ users: {} });
  const { issuer, realm } = tokens;
  await using registry = await startRegistry({ access: { kind: "bearer", issuer, realm } });
  registry.seed("app", "v1", makeImage());
  await using reader = testHost(registry.host);
  const repository = reader.host.repository("app", "read");
  const head = await repository.headManifest("v1", { signal });
  assert.equal(head.type, "held");
  assert.deepEqual(registry.log.outcome(), ["HEAD manifest 401", "HEAD manifest 200"]);
  assert.equal(tokens.server.log.entries.length, 1);
  await repository.headManifest("v1", { signal });
  assert.equal(registry.log.entries.length, 3);
  assert.equal(tokens.server.log.entries.length, 1);
});

test("headManifest() believes no answer of 304 that it did not ask for, or that names something else", async () => {
  await using registry = await startRegistry();
  const image = makeImage();
  registry.seed("app", "v1", image);
  await using reader = testHost(registry.host);
  const repository = reader.host.repository("app", "read");
  const likely = { digest: image.digest, mediaType: image.mediaType };
  const unknown = { type: "unknown" };
  const answering = (headers: Readonly<Record<string, string>>) =>
    registry.behave({ on: "HEAD manifest", fault: { reply: () => ({ status: 304, headers }) } });
  answering({});
  assert.deepEqual(await repository.headManifest("v1", { signal }), unknown);
  answering({ "docker-content-digest": makeImage({ seed: 3 }).digest });
  assert.deepEqual(await repository.headManifest("v1", { signal, likely }), unknown);
  answering({});
  const held = { type: "held", ...likely, size: undefined };
  assert.deepEqual(await repository.headManifest("v1", { signal, likely }), held);
  // who knows nothing of conditions answers as ever
  const head = await repository.headManifest("v1", { signal, likely });
  assert.equal(head.type === "held" && head.digest, image.digest);
  const asked = registry.log.of("HEAD manifest").map(({ headers }) => headers["if-none-match"]);
  const condition = `"${image.digest}"`;
  assert.deepEqual(asked, [undefined, condition, condition, condition]);
});
