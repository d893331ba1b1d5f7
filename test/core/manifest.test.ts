import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { digestOf, parseDigest } from "../../src/core/digest.ts";
import { manifestDigest, maxManifestBytes, readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";

const bytesOf = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const digest = `sha256:${"1".repeat(64)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 1 };
const dockerConfig = { mediaType: mediaTypes.dockerConfig, digest, size: 1 };
const manifests = [{ mediaType: mediaTypes.ociManifest, digest, size: 1 }];
const layers: unknown[] = [];
const schema1 = {
  schemaVersion: 1,
  name: "a",
  tag: "b",
  architecture: "c",
  fsLayers: [],
  history: [],
};
const oci = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };

const decided: readonly (readonly [
  what: string,
  document: unknown,
  contentType: string,
  type: string,
])[] = [
  ["its own media type", oci, "", mediaTypes.ociManifest],
  [
    "its own media type under a general Content-Type",
    oci,
    "application/json",
    mediaTypes.ociManifest,
  ],
  [
    "its own media type under a wrong kind of Content-Type",
    oci,
    "text/html",
    mediaTypes.ociManifest,
  ],
  [
    "Content-Type with parameters and capitals",
    { schemaVersion: 2, config, layers },
    "Application/VND.oci.image.manifest.v1+JSON; charset=utf-8",
    mediaTypes.ociManifest,
  ],
  ["Content-Type alone", { config, layers }, mediaTypes.dockerManifest, mediaTypes.dockerManifest],
  ["an OCI config", { schemaVersion: 2, config, layers }, "", mediaTypes.ociManifest],
  ["a Docker config", { schemaVersion: 2, config: dockerConfig }, "", mediaTypes.dockerManifest],
  [
    "an unknown config: an artifact",
    { schemaVersion: 2, config: { mediaType: "x/y" } },
    "",
    mediaTypes.ociManifest,
  ],
  ["nothing but a version", { schemaVersion: 2 }, "", mediaTypes.ociManifest],
  ["a list of manifests", { schemaVersion: 2, manifests }, "", mediaTypes.ociIndex],
  [
    "an empty list of manifests",
    { schemaVersion: 2, manifests: [] },
    "text/plain",
    mediaTypes.ociIndex,
  ],
  ["an empty media type", { ...index, mediaType: "" }, "", mediaTypes.ociIndex],
  ["a null media type", { ...index, mediaType: null }, "", mediaTypes.ociIndex],
  [
    "null members of another kind",
    { ...index, config: null, layers: null },
    "",
    mediaTypes.ociIndex,
  ],
  ["a Docker list", { ...index, mediaType: mediaTypes.dockerList }, "", mediaTypes.dockerList],
  ["schema 1", schema1, "", mediaTypes.schema1],
  ["schema 1 that is called signed", schema1, mediaTypes.schema1Signed, mediaTypes.schema1],
  [
    "schema 1 with no signatures",
    { ...schema1, signatures: null },
    "application/json",
    mediaTypes.schema1,
  ],
];

for (const [what, document, contentType, type] of decided) {
  test(`readRawManifest() goes by ${what}`, () => {
    const bytes = bytesOf(document);
    const raw = readRawManifest(bytes, contentType === "" ? {} : { contentType });
    assert.equal(raw.mediaType, type);
    assert.equal(raw.digest, digestOf(bytes));
    assert.equal(raw.bytes, bytes);
  });
}

const refused: readonly (readonly [what: string, document: unknown, contentType?: string])[] = [
  ["no JSON", "nonsense"],
  ["nothing", ""],
  ["an array", []],
  ["null", "null"],
  ["two documents", `${JSON.stringify(oci)}${JSON.stringify(oci)}`],
  ["a byte order mark", `\ufeff${JSON.stringify(oci)}`],
  ["no schema version and no type", { config, layers }],
  ["schema version 3", { schemaVersion: 3 }],
  ["a schema version of text", { schemaVersion: "2", config }],
  ["a fraction of a schema version", '{"schemaVersion":2.0,"config":{}}'],
  ["a media type of another kind", { ...oci, mediaType: 1 }],
  ["an unknown media type", { ...oci, mediaType: "application/vnd.oci.artifact.manifest.v1+json" }],
  ["a manifest called an index", oci, mediaTypes.ociIndex],
  ["an index called a manifest", index, mediaTypes.ociManifest],
  [
    "a Docker manifest called OCI's",
    { ...oci, mediaType: mediaTypes.dockerManifest },
    mediaTypes.ociManifest,
  ],
  ["schema 1 called OCI's", schema1, mediaTypes.ociManifest],
  ["schema 1 that names another type", { ...schema1, mediaType: mediaTypes.ociManifest }],
  ["OCI's called schema 1", oci, mediaTypes.schema1Signed],
  ["a manifest and an index in one", { ...oci, manifests }],
  ["a manifest and an index in one, unnamed", { schemaVersion: 2, config, layers, manifests }],
  ["an index with layers", { ...index, layers }],
  ["an index with a config", { ...index, config }],
  ["an index with fsLayers", { ...index, fsLayers: [] }],
  ["a manifest with history", { ...oci, history: [] }],
  ["schema 1 with layers", { ...schema1, layers }],
  ["schema 1 with manifests", { ...schema1, manifests }],
  ["a version 1 with layers", { ...oci, schemaVersion: 1 }],
  ["a member twice", `{"schemaVersion":2,"layers":[],"layers":[]}`],
  ["a member twice by escapes", `{"schemaVersion":2,"layers":[],"l\\u0061yers":[]}`],
  ["a member of a descriptor twice", `{"schemaVersion":2,"config":{"size":1,"size":2}}`],
  ["Layers", { ...oci, Layers: [] }],
  ["MANIFESTS", { ...oci, MANIFESTS: null }],
  ["a long s", { ...oci, "layer\u017f": [] }],
  ["mediatype", { schemaVersion: 2, mediatype: mediaTypes.ociIndex, manifests }],
  ["a digest spelled otherwise", { ...oci, config: { ...config, Digest: digest } }],
  ["a size spelled otherwise", { ...oci, layers: [{ ...config, SIZE: 2 }] }],
  ["a media type spelled otherwise", { ...index, manifests: [{ ...manifests[0], mediatype: "" }] }],
  ["deep nesting", `{"schemaVersion":2,"x":${"[".repeat(40)}${"]".repeat(40)}}`],
  ["bottomless nesting", `{"schemaVersion":2,"x":${"[".repeat(100_000)}`],
  ["signed schema 1 without a signature", { ...schema1, signatures: [] }],
  ["signed schema 1 without a header", { ...schema1, signatures: [{}] }],
];

for (const [what, document, contentType] of refused) {
  test(`readRawManifest() refuses ${what}`, () => {
    assert.throws(
      () => readRawManifest(bytesOf(document), contentType === undefined ? {} : { contentType }),
      { code: "content.bad-manifest", name: "ContentError" },
    );
  });
}

test("readRawManifest() names the members that do not belong together as skopeo does", () => {
  const message = `rejecting ambiguous manifest, unexpected fields []string{"config", "layers"} in supposedly ${mediaTypes.ociIndex}`;
  assert.throws(() => readRawManifest(bytesOf({ ...index, config, layers })), { message });
});

test("readRawManifest() names what schema 1 has where an OCI manifest was said to be", () => {
  const message = `rejecting ambiguous manifest, unexpected fields []string{"fsLayers", "history"} in supposedly ${mediaTypes.ociManifest}`;
  const contentType = mediaTypes.ociManifest;
  assert.throws(() => readRawManifest(bytesOf(schema1), { contentType }), { message });
});

test("readRawManifest() gives what is no manifest back, unless another digest was asked for", () => {
  const bytes = bytesOf("garbage");
  assert.throws(() => readRawManifest(bytes), { code: "content.bad-manifest", bytes });
  assert.throws(() => readRawManifest(bytes, { digest: digestOf(bytes) }), { bytes });
  assert.throws(() => readRawManifest(bytes, { digest: digestOf(bytesOf(oci)) }), {
    code: "content.digest-mismatch",
    bytes: undefined,
  });
  const unsigned = bytesOf({ ...schema1, signatures: 1 });
  assert.throws(() => readRawManifest(unsigned), { bytes: unsigned });
});

test("readRawManifest() takes a manifest of 4 MiB and no more", () => {
  const filled = (size: number) => {
    const padding = size - bytesOf({ ...oci, x: "" }).length;
    return bytesOf({ ...oci, x: "y".repeat(padding) });
  };
  assert.equal(readRawManifest(filled(maxManifestBytes)).bytes.length, maxManifestBytes);
  const code = "content.too-large";
  assert.throws(() => readRawManifest(filled(maxManifestBytes + 1)), { code });
  assert.throws(() => readRawManifest(filled(2000), { maxBytes: 1999 }), { code });
});

test("readRawManifest() compares with the digest asked for, in its algorithm", () => {
  const bytes = bytesOf(oci);
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const expected = digestOf(bytes, algorithm);
    assert.equal(readRawManifest(bytes, { digest: expected }).digest, expected);
    for (const other of [Buffer.concat([bytes, Buffer.from("\n")]), bytesOf("garbage")]) {
      assert.throws(() => readRawManifest(other, { digest: expected }), {
        code: "content.digest-mismatch",
        actual: digestOf(other, algorithm),
      });
    }
  }
});

/** A document signed as libtrust does it, with a signature that is none. */
function signed(payload: string, change: (protectedHeader: object) => object = (it) => it): Buffer {
  const formatLength = payload.lastIndexOf("\n}");
  const formatTail = Buffer.from(payload.slice(formatLength)).toString("base64url");
  const header = change({ formatLength, formatTail, time: "2020-01-01T00:00:00Z" });
  const block = { protected: Buffer.from(JSON.stringify(header)).toString("base64url") };
  return Buffer.from(
    `${payload.slice(0, formatLength)},\n   "signatures": [${JSON.stringify(block)}]\n}`,
  );
}

const payload = JSON.stringify(schema1, undefined, 3);

test("readRawManifest() gives signed schema 1 the digest of what is signed", () => {
  const bytes = signed(payload);
  const expected = parseDigest(`sha256:${createHash("sha256").update(payload).digest("hex")}`);
  for (const raw of [
    readRawManifest(bytes),
    readRawManifest(bytes, { contentType: mediaTypes.schema1 }),
    readRawManifest(bytes, { digest: expected, contentType: "application/json" }),
  ]) {
    assert.equal(raw.mediaType, mediaTypes.schema1Signed);
    assert.equal(raw.digest, expected);
    assert.equal(raw.bytes, bytes);
  }
  assert.equal(manifestDigest(bytes), expected);
  assert.equal(manifestDigest(bytes, "sha512"), digestOf(Buffer.from(payload), "sha512"));
  assert.throws(() => readRawManifest(bytes, { digest: digestOf(bytes) }), {
    code: "content.digest-mismatch",
  });
});

const badHeaders: readonly (readonly [what: string, change: (header: object) => object])[] = [
  ["no length", () => ({ formatTail: "" })],
  ["a length of 0", (header) => ({ ...header, formatLength: 0 })],
  ["a negative length", (header) => ({ ...header, formatLength: -1 })],
  ["a length past the end", (header) => ({ ...header, formatLength: 1e6 })],
  [
    "another document for its tail",
    () => ({
      formatLength: 1,
      formatTail: Buffer.from(payload.slice(1).replace('"a"', '"other"')).toString("base64url"),
    }),
  ],
];

for (const [what, change] of badHeaders) {
  test(`readRawManifest() refuses signed schema 1 whose header has ${what}`, () => {
    assert.throws(() => readRawManifest(signed(payload, change)), { code: "content.bad-manifest" });
  });
}

test("manifestDigest() is that of the bytes for whatever is no manifest", () => {
  for (const text of ["", "nonsense", "[]", "{}", '{"schemaVersion":1}', payload]) {
    assert.equal(manifestDigest(Buffer.from(text)), digestOf(Buffer.from(text)));
  }
});
