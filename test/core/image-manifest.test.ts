import assert from "node:assert/strict";
import { test } from "node:test";
import { isArtifact, parseImageManifest } from "../../src/core/image-manifest.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";

const read = (document: unknown) => readRawManifest(Buffer.from(JSON.stringify(document)));
const descriptor = (mediaType: string, extra: object = {}) => ({
  mediaType,
  digest: `sha256:${"1".repeat(64)}`,
  size: 1,
  ...extra,
});
const config = descriptor(mediaTypes.ociConfig);
const oci = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] };
const docker = {
  schemaVersion: 2,
  mediaType: mediaTypes.dockerManifest,
  config: descriptor(mediaTypes.dockerConfig),
  layers: [descriptor(mediaTypes.dockerLayerGzip)],
};

test("parseImageManifest() keeps what is said of an OCI image", () => {
  const layers = [
    descriptor(mediaTypes.ociLayerGzip, { annotations: { ["__proto__"]: "x", a: "b" } }),
    descriptor(mediaTypes.ociForeignLayer, { urls: ["https://a/"], data: "e30=" }),
    descriptor("application/whatever", { digest: `sha384:${"2".repeat(96)}`, size: 0 }),
    descriptor(mediaTypes.ociLayerZstd, {
      digest: `sha512:${"3".repeat(128)}`,
      size: Number.MAX_SAFE_INTEGER,
    }),
  ];
  const said = { annotations: { c: "d" }, artifactType: "t", subject: config };
  assert.deepEqual(parseImageManifest(read({ ...oci, layers, ...said })), {
    mediaType: mediaTypes.ociManifest,
    config,
    layers,
    ...said,
  });
});

test("parseImageManifest() takes null and empty for nothing said, as Go does", () => {
  const said = { annotations: null, subject: null, artifactType: null };
  const layer = descriptor(mediaTypes.ociLayer);
  const empty = { ...layer, annotations: null, urls: [], data: null, platform: null };
  const { mediaType, ...rest } = oci;
  assert.deepEqual(parseImageManifest(read({ ...oci, layers: [empty], ...said })), {
    mediaType,
    config,
    layers: [layer],
  });
  for (const layers of [null, undefined]) {
    assert.deepEqual(parseImageManifest(read({ ...rest, layers })).layers, []);
  }
});

test("parseImageManifest() reads Docker's manifests, which say less", () => {
  assert.deepEqual(parseImageManifest(read({ ...docker, annotations: { a: "b" } })), {
    mediaType: mediaTypes.dockerManifest,
    config: docker.config,
    layers: docker.layers,
  });
});

test("isArtifact() goes by the config of OCI manifests only", () => {
  const artifact = (document: unknown) => isArtifact(parseImageManifest(read(document)));
  const plugin = descriptor("application/vnd.docker.plugin.v1+json");
  assert.equal(artifact(oci), false);
  assert.equal(artifact({ ...oci, artifactType: "x/y" }), false);
  assert.equal(artifact({ ...oci, config: descriptor(mediaTypes.ociEmpty) }), true);
  assert.equal(artifact({ ...oci, config: docker.config }), true);
  assert.equal(artifact({ ...docker, config: plugin }), false);
});

const refused: readonly (readonly [what: string, document: object])[] = [
  ["no config", { ...oci, config: undefined }],
  ["a null config", { ...oci, config: null }],
  ["a config of text", { ...oci, config: "x" }],
  ["no media type", { ...oci, config: { ...config, mediaType: undefined } }],
  ["a media type of another kind", { ...oci, config: { ...config, mediaType: 1 } }],
  ["no digest", { ...oci, config: { ...config, digest: undefined } }],
  ["a short digest", { ...oci, config: { ...config, digest: "sha256:11" } }],
  ["a path for a digest", { ...oci, config: { ...config, digest: "sha256:../../x" } }],
  ["an unknown algorithm", { ...oci, config: { ...config, digest: `md5:${"1".repeat(32)}` } }],
  ["an inherited algorithm", { ...oci, config: { ...config, digest: "constructor:1" } }],
  ["a capital digest", { ...oci, config: { ...config, digest: `sha256:${"A".repeat(64)}` } }],
  ["a negative size", { ...oci, config: { ...config, size: -1 } }],
  ["a fraction of a size", { ...oci, config: { ...config, size: 1.5 } }],
  ["an unsafe size", { ...oci, config: { ...config, size: Number.MAX_SAFE_INTEGER + 1 } }],
  ["a size of text", { ...oci, config: { ...config, size: "1" } }],
  ["layers that are none", { ...oci, layers: [1] }],
  ["layers that are no list", { ...oci, layers: {} }],
  ["a null layer", { ...oci, layers: [null] }],
  ["urls that are none", { ...oci, layers: [{ ...config, urls: [1] }] }],
  ["annotations that are none", { ...oci, layers: [{ ...config, annotations: { a: 1 } }] }],
  ["data that is no base64", { ...oci, layers: [{ ...config, data: "***" }] }],
  ["a bad subject", { ...oci, subject: {} }],
  ["an unknown layer type of Docker's", { ...docker, layers: [descriptor(mediaTypes.ociLayer)] }],
  ["Docker's with no type", { ...docker, mediaType: undefined }],
];

for (const [what, document] of refused) {
  test(`parseImageManifest() refuses ${what}`, () => {
    assert.throws(() => parseImageManifest(read(document)), { code: "content.bad-manifest" });
  });
}

test("parseImageManifest() refuses a size written in another way than digits", () => {
  for (const size of ["1e3", "1.0", "-0.0", "1E+2", "99999999999999999999"]) {
    const text = JSON.stringify(oci).replace('"size":1', `"size":${size}`);
    const raw = readRawManifest(Buffer.from(text));
    assert.throws(() => parseImageManifest(raw), { code: "content.bad-manifest" }, size);
  }
});
