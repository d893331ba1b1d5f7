import assert from "node:assert/strict";
import { test } from "node:test";
import { attachmentManifest, attachmentTag } from "../../../sigstore/cosign/attachment.ts";
import { bundleMediaType } from "../../../sigstore/cosign/bundle-format.ts";
import { formatEnvelope } from "../../../sigstore/envelope.ts";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { backendOrigin } from "../../../src/server/signatures/backend-origin.ts";
import { registryOrigin } from "../../../src/server/signatures/registry-origin.ts";
import { signaturesSettings } from "../../../src/server/signatures/settings.ts";
import { createSources } from "../../../src/server/signatures/sources.ts";
import { watchAttachments } from "../../../src/server/signatures/watch-attachments.ts";
import type { RepositoryPlaces } from "../../../src/transport/docker/signatures.ts";
import { testHost } from "../../registry/support.ts";
import { testClient } from "../../sigstore/lookaside/support.ts";
import { kept } from "../../support/registry/signatures.ts";
import { startRegistry } from "../../support/registry.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { tempFolder } from "../../support/temp.ts";
import { WebFolder } from "../../support/web-folder.ts";
import {
  call,
  domain,
  listOf,
  manifest,
  messageOf,
  signatureOf,
  team,
  textIn,
  textsOf,
  world,
} from "./support.ts";

const attached: UntrustedSignature & { format: "sigstore" } = {
  format: "sigstore",
  mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
  payload: Buffer.from('{"a":"team/app:attached"}'),
  annotations: { "dev.cosignproject.cosign/signature": "c2ln" },
};

/** What cosign puts beside an image: the documents of a `.sig` tag, and a bundle that refers to it. */
function attachments() {
  const documents = attachmentManifest(undefined, [attached]);
  assert.ok(documents);
  const [empty, bundle] = [Buffer.from("{}"), Buffer.from('{"a":"bundle"}')];
  const at = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const artifact = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: bundleMediaType,
    config: at(mediaTypes.ociEmpty, empty),
    layers: [at(bundleMediaType, bundle)],
    subject: { mediaType: mediaTypes.ociManifest, digest: manifest, size: 1 },
  };
  const blobs = new Map<string, Uint8Array>([
    [digestOf(empty), empty],
    [digestOf(bundle), bundle],
    ...[...documents.payloads, documents.config].map(
      ({ descriptor, bytes }) => [descriptor.digest, bytes] as const,
    ),
  ]);
  return {
    blobs,
    signatures: documents.manifest,
    artifact: Buffer.from(JSON.stringify(artifact)),
  };
}

test("what cosign attached in our own registry is read at once, by clients of a look-aside too", async () => {
  const backend = new MemoryBackend();
  await using store = await world({
    openOrigins: async (repository) => [backendOrigin(backend, repository)],
  });
  const read = () => store.signatures.read(team, manifest, call);
  assert.deepEqual(await read(), []);
  assert.deepEqual(await store.signatures.readBundles(team, manifest, call), []);
  const { blobs, signatures, artifact } = attachments();
  const repository = backend.at(`${domain}/team/app`);
  for (const [digest, bytes] of blobs) repository.blobs.set(digest as typeof manifest, bytes);
  for (const bytes of [signatures.bytes, artifact]) {
    const digest = digestOf(bytes);
    const mediaType = mediaTypes.ociManifest;
    repository.manifests.set(digest, { digest, mediaType, bytes });
  }
  repository.tags.set(attachmentTag(manifest), signatures.descriptor.digest);
  const found = await read();
  assert.deepEqual(
    found.map((one) => one.format),
    ["sigstore"],
  );
  assert.deepEqual(textsOf(found), ["attached"]);
  const bundles = await store.signatures.readBundles(team, manifest, call);
  assert.deepEqual(
    bundles.map((bundle) => Buffer.from(bundle).toString()),
    ['{"a":"bundle"}'],
  );
  const { body } = await store.ask(store.at(1));
  assert.deepEqual(body, Buffer.from(formatEnvelope(attached)));
  assert.deepEqual((await listOf(store)).entries, [], "clients take all of that list for OpenPGP");
});

test("revision() changes with what is attached in our own registry", async () => {
  const backend = new MemoryBackend();
  await using store = await world();
  const watched = watchAttachments(backend, store.signatures.touched);
  const revision = () => store.signatures.revision(team, manifest);
  const { blobs, signatures, artifact } = attachments();
  for (const [digest, bytes] of blobs) {
    backend.at(`${domain}/team/app`).blobs.set(digest as typeof manifest, bytes);
  }
  const as = { ...call, caller: { user: undefined, address: "" } };
  const mediaType = mediaTypes.ociManifest;
  const put = (bytes: Uint8Array, ...tags: readonly string[]) =>
    watched.putManifest(
      team,
      { manifest: { digest: digestOf(bytes), mediaType, bytes }, tags },
      as,
    );
  const tag = attachmentTag(manifest);
  const changes: readonly (readonly [what: string, () => Promise<unknown>, changed: boolean])[] = [
    ["another tag", () => put(signatures.bytes, "v1"), false],
    ["signatures", () => put(signatures.bytes, tag), true],
    ["a bundle", () => put(artifact), true],
    ["another tag gone", () => watched.deleteManifest(team, { type: "tag", tag: "v1" }, as), false],
    ["signatures gone", () => watched.deleteManifest(team, { type: "tag", tag }, as), true],
    [
      "a bundle gone",
      () => watched.deleteManifest(team, { type: "digest", digest: digestOf(artifact) }, as),
      true,
    ],
  ];
  for (const [what, change, changed] of changes) {
    const before = revision();
    await change();
    assert.equal(revision() !== before, changed, what);
  }
  assert.equal(await watched.statBlob(team, manifest, as), undefined);
});

test("a registry of others is read by its API or look-aside, its attachments and its bundles", async () => {
  await using folder = await tempFolder();
  const lookaside = new FolderStore(folder.path);
  for (const api of [true, false]) {
    const lists = new Map([[manifest, [kept(messageOf("api"))]]]);
    const signatures = { lists, ...(api && { announced: "1" }) };
    await using registry = await startRegistry({ features: { signatures } });
    await using client = testHost(registry.host);
    const repository = client.host.repository("team/app", "read");
    const subject = { repository: `${registry.host}/team/app`, manifestDigest: manifest };
    await lookaside.removeAll(subject);
    await lookaside.append(subject, [signatureOf("aside")], call);
    const documents = attachments();
    registry.seed("team/app", attachmentTag(manifest), {
      blobs: documents.blobs,
      manifests: [{ mediaType: mediaTypes.ociManifest, bytes: documents.signatures.bytes }],
    });
    registry.seed("team/app", undefined, {
      blobs: documents.blobs,
      manifests: [{ mediaType: mediaTypes.ociManifest, bytes: documents.artifact }],
    });
    const places: RepositoryPlaces = {
      where: folder.path,
      read: lookaside,
      write: lookaside,
      more: [],
      attachments: true,
      open: (url) => new FolderStore(url),
    };
    const reference = { domain: registry.host, path: "team/app" };
    const origin = registryOrigin({ reference }, repository, places);
    await using store = await world({ openOrigins: async () => [origin] });
    const read = () => store.signatures.read(team, manifest, call);
    assert.deepEqual(textsOf(await read()), [api ? "api" : "aside", "attached"]);
    assert.equal((await store.signatures.readBundles(team, manifest, call)).length, 1);
  }
});

test("a registry of others that fails is a failure", async () => {
  await using registry = await startRegistry({
    features: {
      signatures: { announced: "1", lists: new Map(), get: { status: 500, body: "broken" } },
    },
  });
  await using client = testHost(registry.host);
  const store = new FolderStore("/nonexistent");
  const places: RepositoryPlaces = {
    where: "none",
    read: store,
    write: store,
    more: [],
    attachments: false,
    open: () => store,
  };
  const reference = { domain: registry.host, path: "team/app" };
  const repository = client.host.repository("team/app", "read");
  const origin = registryOrigin({ reference }, repository, places);
  await using server = await world({ openOrigins: async () => [origin] });
  assert.equal((await server.ask(server.at(1))).status, 503);
});

test("look-asides that the configuration names are read for the repositories that it says", async () => {
  await using web = await WebFolder.start();
  await using client = testClient();
  const file = (path: string) => `/sigs/${path}@${manifest.replace(":", "=")}/signature-1`;
  web.files.set(file("team/app"), messageOf("source"));
  web.files.set(file("other/app"), messageOf("other"));
  const { sources } = signaturesSettings.parse({
    sources: [{ repositories: [`${domain}/team/**`], lookaside: `${web.origin}/sigs` }],
  });
  const open = createSources(sources, client);
  await using store = await world({ openOrigins: async (repository) => open(repository) });
  const { body } = await store.ask(store.at(1));
  assert.equal(textIn(body), "source");
  const other = { ...team, path: "other/app" };
  assert.deepEqual(await store.signatures.read(other, manifest, call), []);
  web.options = { answer: () => ({ status: 403 }) };
  const third = { ...team, path: "team/third" };
  await assert.rejects(store.signatures.read(third, manifest, call), {
    code: "signature.store-failed",
  });
});

test("settings that cannot be meant are refused", () => {
  const issues = (value: object) => signaturesSettings.safeParse(value).error?.issues.length ?? 0;
  assert.equal(issues({}), 0);
  for (const value of [
    { source: [] },
    { sources: [{ repositories: [], lookaside: "https://a.test" }] },
    { sources: [{ repositories: ["a//b"], lookaside: "https://a.test" }] },
    { sources: [{ repositories: ["**"], lookaside: "ftp://a.test" }] },
    { sources: [{ repositories: ["**"], lookaside: "https://u:p@a.test" }] },
    { freshFor: "soon" },
    { publicLookaside: "yes" },
  ]) {
    assert.ok(issues(value) > 0, JSON.stringify(value));
  }
});

test("signatures are described as they claim to be, and as nobody has verified them", async () => {
  await using store = await world();
  await store.signatures.add(team, manifest, [signatureOf("one")], call);
  for (const name of ["team/app", `${domain}/team/app`]) {
    const { status, body } = await store.ask(`/api/v1/signatures/${name}@${manifest}`);
    assert.equal(status, 200);
    const told = JSON.parse(body.toString());
    assert.deepEqual([told.repository, told.complete], [`${domain}/team/app`, true]);
    const [{ origin, verified, claimed }] = told.signatures;
    assert.deepEqual([origin, verified], ["kept here", false]);
    assert.match(claimed.keyId, /^[0-9A-F]{16}$/);
    const { keyId: _, ...rest } = claimed;
    assert.deepEqual(rest, {
      signedAt: "2023-11-14T22:13:20.000Z",
      reference: `${domain}/team/app:one`,
      digest: manifest,
      ofThisManifest: true,
    });
  }
  assert.equal((await store.ask("/api/v1/signatures/team/app@sha256:1")).status, 400);
  assert.equal((await store.ask(`/api/v1/signatures/closed/app@${manifest}`)).status, 401);
});
