import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { attachmentTag } from "../../../sigstore/cosign/attachment.ts";
import { FolderStore } from "../../../sigstore/lookaside/folder-store.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { SignatureStore } from "../../../sigstore/store.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { KnownError } from "../../../src/core/errors.ts";
import type { RepositoryPlaces } from "../../../src/transport/docker/signatures.ts";
import { fakeBytes, fakeSignature, textsOf } from "../../sigstore/lookaside/support.ts";
import { Engine } from "../../support/engine.ts";
import { forbid } from "../../support/forbid.ts";
import { makeImage } from "../../support/images.ts";
import { refuse } from "../../support/registry/faults.ts";
import type { Features } from "../../support/registry/features.ts";
import type { Operation } from "../../support/registry/operation.ts";
import type { Reply } from "../../support/registry/reply.ts";
import { kept, type SignaturesApi } from "../../support/registry/signatures.ts";
import { startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";

const { signal } = new AbortController();
const image = makeImage({ seed: 50, layerBytes: 2000 });

function sigstore(text: string, mediaType = "application/vnd.dev.cosign.simplesigning.v1+json") {
  return {
    format: "sigstore",
    mediaType,
    payload: Buffer.from(text),
    annotations: { "dev.cosignproject.cosign/signature": `${text}=` },
  } as const satisfies UntrustedSignature;
}

/** A registry with one image, a look-aside folder, and ways to its signatures. */
async function world(features: Partial<Features> = {}, attachments = true) {
  const registry = await startRegistry({ features });
  const folder = await tempFolder();
  const digest = registry.seed("ns/one", "v1", image) as Digest;
  const lookaside = new FolderStore(folder.in("lookaside"));
  const places: RepositoryPlaces = {
    where: "file:///lookaside",
    read: lookaside,
    write: lookaside,
    more: [],
    attachments,
    open: (url) => new FolderStore(url),
  };
  const name = `docker://${registry.host}/ns/one:v1`;
  const subject = { repository: `${registry.host}/ns/one`, manifestDigest: digest };
  return {
    registry,
    folder,
    digest,
    name,
    places,
    lookaside: {
      add: (...texts: readonly string[]) =>
        lookaside.append(subject, texts.map(fakeSignature), { signal }),
      read: async () => textsOf(await lookaside.read(subject, { signal })),
    },
    engine: (more: Partial<RepositoryPlaces> = {}) =>
      new Engine({ signaturePlaces: async () => ({ ...places, ...more }) }),
    async read(more: Partial<RepositoryPlaces> = {}) {
      await using engine = this.engine(more);
      const { transport, reference } = await engine.end(name, "source");
      await using source = await transport.openSource(reference, { signal });
      return textsOf(await source.readSignatures(digest, { signal }));
    },
    async write(...signatures: readonly UntrustedSignature[]) {
      await using engine = this.engine();
      const { transport, reference } = await engine.end(name, "destination");
      await using destination = await transport.openDestination(reference, { signal });
      await destination.writeSignatures(digest, signatures, { signal });
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function api(entries: readonly unknown[], more: Partial<SignaturesApi> = {}) {
  const lists = { get: () => entries, set: () => lists, has: () => true };
  return {
    signatures: { announced: "1", lists: lists as unknown as Map<string, unknown[]>, ...more },
  };
}

const good = kept(fakeBytes("good"));

test("readSignatures() takes those of the registry's API where it has one, and of the look-aside where not", async () => {
  const look = ["look-aside"];
  const table: readonly [name: string, features: Partial<Features>, read: string[] | RegExp][] = [
    ["H1", api([good]), ["good"]],
    ["H1b", api([]), []],
    ["H2", api([kept(fakeBytes("bad")), good]), ["bad", "good"]],
    ["H3", api([{ ...good, schemaVersion: 1 }, good]), ["good"]],
    ["H3b", api([{ ...good, type: "other" }]), []],
    ["H3c", api([{ ...good, type: "" }]), []],
    ["H3d", api([{ ...good, type: "AtomicImageV1" }]), []],
    ["H4", api([kept(Buffer.from("xfoo")), good]), ["foo", "good"]],
    ["H4b", api([kept(Buffer.from("\0sigstore-json\n{}"))]), ["sigstore-json\n{}"]],
    [
      "H5",
      api([], { get: { status: 404, body: "" } }),
      /^downloading signatures for sha256:.* in 127/,
    ],
    [
      "H5b",
      api([], { get: { status: 500, body: "" } }),
      /^downloading signatures for sha256:.*500/,
    ],
    ["204", api([], { get: { status: 201, body: "{}" } }), /^downloading signatures for sha256:/],
    ["H5c", api([], { get: { status: 200, body: '{"signatures":null}' } }), []],
    ["H5d", api([], { get: { status: 200, body: "{}" } }), []],
    ["H5e", api([], { get: { status: 200, body: "<html>" } }), /^decoding signature list: invalid/],
    ["H5f", api([{ ...good, content: "!" }]), /^decoding signature list: illegal base64/],
    [
      "H5g",
      api([], { get: { status: 200, body: " ".repeat(4 * 1024 * 1024 + 1) } }),
      /exceeded maximum/,
    ],
    ["H6 header on", api([]), []],
    ["H6b", api([good], { announced: "true" }), look],
    ["H6c", api([good], { announced: "0" }), look],
    ["H6d", api([good], { announced: " 1 " }), ["good"]],
    ["none", {}, look],
  ];
  for (const [name, features, expected] of table) {
    await using place = await world(features);
    await place.lookaside.add("look-aside");
    if (!(expected instanceof RegExp)) assert.deepEqual(await place.read(), expected, name);
    else {
      await assert.rejects(
        place.read(),
        (error) => error instanceof KnownError && expected.test(error.message),
        name,
      );
    }
  }
});

test("readSignatures() asks at /v2/ once a host, and not where an answer has told already", async () => {
  await using place = await world();
  await place.read();
  assert.equal(place.registry.log.counts()["GET ping"], 1);
  place.registry.log.clear();
  place.registry.features = {
    ...place.registry.features,
    ...api([good]),
    extraHeaders: { "x-registry-supports-signatures": "1" },
  };
  assert.deepEqual(await place.read(), ["good"]);
  assert.equal(place.registry.log.counts()["GET ping"], undefined);
});

test("readSignatures() adds what other places have, each once", async () => {
  await using place = await world();
  await place.lookaside.add("one", "two");
  const other = (...texts: readonly string[]) => {
    const read = async () => texts.map(fakeSignature);
    return { where: "other", store: forbid<SignatureStore>({ read }) };
  };
  const more = [other("two", "three"), other("three", "four")];
  assert.deepEqual(await place.read({ more }), ["one", "two", "three", "four"]);
});

test("writeSignatures() adds to the API what it has not", async () => {
  const lists = new Map<string, unknown[]>();
  await using place = await world({ signatures: { announced: "1", lists } });
  await place.write(fakeSignature("one"), fakeSignature("two"), fakeSignature("one"));
  await place.write(fakeSignature("two"), fakeSignature("three"));
  assert.deepEqual(await place.read(), ["one", "two", "three"]); // H8, H8b
  const names = (lists.get(place.digest) as { name: string }[]).map(({ name }) => name);
  for (const name of names) assert.match(name, /^sha256:[0-9a-f]{64}@[0-9a-f]{32}$/);
  assert.equal(new Set(names).size, 3);
  assert.deepEqual(await place.lookaside.read(), []); // H8e
});

test("writeSignatures() takes nothing but 201 from the API", async () => {
  for (const putStatus of [200, 202, 409, 422]) {
    await using place = await world(api([], { putStatus }));
    await assert.rejects(
      place.write(fakeSignature("one")),
      (error) =>
        error instanceof KnownError &&
        error.message.startsWith("uploading signature to /extensions/v2/ns/one/signatures/sha256:"),
      String(putStatus), // H8c, H8d
    );
  }
});

test("attachments are read and written besides, each signature once", async () => {
  await using place = await world();
  const attestation = sigstore("att", "application/vnd.dsse.envelope.v1+json");
  await place.write(sigstore("a"), fakeSignature("simple"), attestation);
  await place.write(sigstore("b"), sigstore("a"));
  assert.deepEqual(await place.read(), ["simple", "sigstore a", "sigstore att", "sigstore b"]);
  const told: string[] = [];
  const tell = (text: string) => void told.push(text);
  assert.deepEqual(await place.read({ attachments: false, tell }), ["simple"]);
  await place.read({ tell });
  assert.deepEqual(told, [
    "Not looking for sigstore attachments: disabled by configuration",
    `Looking for sigstore attachments in ${place.name.slice("docker://".length, -":v1".length)}:${attachmentTag(place.digest)}`,
    "Found a sigstore attachment manifest with 3 layers",
  ]);
  const repository = place.registry.store.open("ns/one");
  const stored = repository.manifests.get(
    repository.resolve(attachmentTag(place.digest)) as Digest,
  );
  assert.equal(stored?.mediaType, "application/vnd.oci.image.manifest.v1+json");
  const { layers, config } = JSON.parse(Buffer.from(stored?.bytes ?? "").toString());
  assert.equal(layers.length, 3);
  const held = repository.blobs.get(config.digest) as { bytes?: Uint8Array };
  assert.ok(held);
});

test("attachments that are switched off are neither looked for nor written", async () => {
  await using place = await world({}, false);
  assert.deepEqual(await place.read(), []);
  assert.equal(place.registry.log.counts()["GET manifest"], 1, "that of the image");
  await assert.rejects(place.write(sigstore("a")), {
    message: "writing sigstore attachments is disabled by configuration", // I9
  });
});

test("attachments that cannot be what they are called fail the reading", async () => {
  const attach = async (mediaType: string, payload: Uint8Array) => {
    const place = await world();
    const config = Buffer.from("{}");
    const blob = (bytes: Uint8Array, type: string) => ({
      mediaType: type,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: blob(config, "application/vnd.oci.image.config.v1+json"),
      layers: [blob(payload, "text/plain")],
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    place.registry.seed("ns/one", attachmentTag(place.digest), {
      blobs: new Map([config, payload].map((each) => [digestOf(each), each])),
      manifests: [{ mediaType, bytes }],
    });
    return place;
  };
  {
    await using place = await attach(
      "application/vnd.docker.distribution.manifest.v2+json",
      Buffer.from("x"),
    );
    await assert.rejects(
      place.read(),
      /unexpected MIME type for sigstore attachment manifest .*\.sig: "application\/vnd\.docker/,
    );
  }
  const limit = 4 * 1024 * 1024;
  {
    await using place = await attach(
      "application/vnd.oci.image.manifest.v1+json",
      Buffer.alloc(limit + 1),
    );
    await assert.rejects(
      place.read(),
      /reading blob sha256:.* exceeded maximum allowed size of 4194304 bytes/,
    );
  }
  await using place = await attach(
    "application/vnd.oci.image.manifest.v1+json",
    Buffer.alloc(limit),
  );
  assert.equal((await place.read()).length, 1);
});

const isForAttachment = ({ kind, reference }: Operation) =>
  kind === "manifest" && reference.endsWith(".sig");

test("attachments that the registry keeps from us fail the reading, and are not taken for none", async () => {
  for (const [status, code, message] of [
    [404, "DENIED", /denied/],
    [404, "UNAUTHORIZED", /unauthorized|authentication/],
    [500, "MANIFEST_UNKNOWN", /500 Internal Server Error/],
  ] as const) {
    await using place = await world();
    place.registry.behave({ on: isForAttachment, times: 9, fault: refuse(status, { code }) });
    await assert.rejects(place.read(), message);
  }
  await using place = await world();
  place.registry.behave({ on: isForAttachment, fault: refuse(404, { code: "NAME_UNKNOWN" }) });
  assert.deepEqual(await place.read(), []);
});

const soak = process.env["AMPHORA_SOAK"] === "1";

for (const conditions of soak ? [true, false] : [true]) {
  const how = conditions ? "heeds conditions" : "ignores conditions";
  test(`attachments by many writers at once at a registry that ${how}: none is lost`, async () => {
    await using place = await world({ conditions });
    const texts = Array.from({ length: soak ? 8 : 4 }, (_, at) => `s${at}`);
    await Promise.all(texts.map((text) => place.write(sigstore(text))));
    const read = await place.read();
    assert.deepEqual([...read].sort(), texts.map((text) => `sigstore ${text}`).sort());
  });
}

test("attachments that another writer replaced are written again", async () => {
  await using place = await world();
  await place.write(sigstore("before"));
  const repository = place.registry.store.open("ns/one");
  const tag = attachmentTag(place.digest);
  const before = repository.tags.get(tag) as Digest;
  const undo = (reply: Reply) => {
    repository.tags.set(tag, before);
    return reply;
  };
  place.registry.behave({ on: "PUT manifest", times: 2, fault: { reply: undo } });
  await place.write(sigstore("new"));
  assert.deepEqual(await place.read(), ["sigstore before", "sigstore new"]);
});

test("writeSignatures() whose nth request fails loses nothing, and can be made again", async () => {
  const lists = new Map<string, unknown[]>();
  for (let nth = 1; ; nth += soak ? 1 : 3) {
    await using place = await world({ signatures: { announced: "1", lists } });
    lists.clear();
    await place.write(sigstore("before"), fakeSignature("before"));
    place.registry.log.clear();
    place.registry.behave({ nth, times: 1, fault: refuse(403) });
    const write = () => place.write(sigstore("new"), fakeSignature("new"));
    await write().catch(async (error) => {
      assert.ok(error instanceof KnownError, String(error));
      place.registry.behaveWell();
      const between = await place.read();
      assert.ok(between.includes("before") && between.includes("sigstore before"));
      await write();
    });
    const requests = place.registry.log.entries.length;
    place.registry.behaveWell();
    assert.deepEqual(await place.read(), ["before", "new", "sigstore before", "sigstore new"]);
    if (requests < nth) break;
  }
});

test("a copy carries signatures along, and adds them to those that are there", async () => {
  await using from = await world();
  await using to = await world({}, true);
  await from.lookaside.add("one");
  await from.write(sigstore("s"));
  await to.lookaside.add("own");
  await using folder = await tempFolder();
  await using engine = from.engine();
  await engine.copy(from.name, `dir:${folder.in("d")}`);
  assert.deepEqual(await readFile(folder.in("d/signature-1")), Buffer.from(fakeBytes("one")));
  assert.match(
    await readFile(folder.in("d/signature-2"), "latin1"),
    /^\0sigstore-json\n\{"mimeType"/,
  );
  await using writing = to.engine();
  await writing.copy(`dir:${folder.in("d")}`, to.name);
  assert.deepEqual(await to.read(), ["own", "one", "sigstore s"]);
  await engine.copy(from.name, `dir:${folder.in("bare")}`, { removeSignatures: true });
  assert.ok(!(await readdir(folder.in("bare"))).includes("signature-1"));
});

test("a copy fetches the first signatures along with the manifest, where the digest is known", async () => {
  await using place = await world();
  await place.lookaside.add("one");
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const read: SignatureStore["read"] = async (...args) => {
    resolve();
    return await place.places.read.read(...args);
  };
  const manifestAfterSignatures = async (reply: Reply) => {
    await asked;
    return reply;
  };
  place.registry.behave({ on: "GET manifest", fault: { reply: manifestAfterSignatures } });
  await using folder = await tempFolder();
  await using engine = new Engine({
    timeouts: { headersMs: 60_000, readIdleMs: 60_000 },
    signaturePlaces: async () => ({
      ...place.places,
      read: forbid<SignatureStore>({ read }),
      attachments: false,
    }),
  });
  const byDigest = place.name.replace(":v1", `@${place.digest}`);
  await engine.copy(byDigest, `dir:${folder.in("d")}`);
  assert.ok((await readdir(folder.in("d"))).includes("signature-1"));
  assert.equal(place.registry.log.counts()["GET ping"], 1);
});

test("a copy under --remove-signatures looks for none", async () => {
  const features = api([], { get: { status: 500, body: "" } });
  await using from = await world(features);
  await using folder = await tempFolder();
  await using engine = from.engine({ read: forbid<SignatureStore>({ expect: () => {} }) });
  await engine.copy(from.name, `dir:${folder.in("d")}`, { removeSignatures: true }); // H9
  assert.equal(from.registry.log.counts()["GET ping"], undefined);
  await assert.rejects(engine.copy(from.name, `dir:${folder.in("e")}`), KnownError); // G9
});

test("a copy that changes nothing asks nothing more, and carries signatures made since", async () => {
  await using from = await world();
  await using to = await world();
  const places = async ({ reference }: { reference: { domain: string } }) =>
    reference.domain === from.registry.host ? from.places : to.places;
  const copy = async () => {
    await using engine = new Engine({ signaturePlaces: places });
    from.registry.log.clear();
    await engine.copy(from.name, to.name);
    return from.registry.log.counts();
  };
  assert.deepEqual(await copy(), { "HEAD manifest": 1, "GET manifest": 1 }); // the tag of attachments
  await from.lookaside.add("one");
  await copy();
  assert.deepEqual(await to.lookaside.read(), ["one"]);
  await from.write(sigstore("s"));
  await copy();
  assert.deepEqual(await to.read(), ["one", "sigstore s"]);
});

test("a copy whose signatures cannot be kept is refused before anything is written", async () => {
  await using from = await world();
  await from.write(sigstore("s"));
  await using registry = await startRegistry();
  await using engine = new Engine({
    signaturePlaces: async ({ reference }) => ({
      ...from.places,
      attachments: reference.domain === from.registry.host,
    }),
  });
  await assert.rejects(
    engine.copy(from.name, `docker://${registry.host}/x:v1`),
    /writing signatures: writing sigstore attachments is disabled by configuration/,
  );
  assert.equal(registry.store.repositories.size, 0);
  await using folder = await tempFolder();
  await assert.rejects(
    engine.copy(from.name, `oci:${folder.in("o")}`),
    /^CopyError: Can not copy signatures to oci:.*: Pushing signatures for OCI images is not supported$/,
  );
});

test("deleteImage() removes the image's signatures from the look-aside", async () => {
  await using place = await world();
  await place.lookaside.add("one", "two");
  await using engine = place.engine();
  const { transport, reference } = await engine.end(place.name, "source");
  await transport.deleteImage?.(reference, { signal });
  assert.deepEqual(await place.lookaside.read(), []);
});
