import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { convertImage, type ImageChange } from "../../src/core/conversion.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import type { LayerEdit } from "../../src/core/layer-edits.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { parseSchema1 } from "../../src/core/schema1.ts";
import { type Expected, loadGolden, outcome, sha256, withoutSignatures } from "./golden.ts";

const formats = {
  oci: mediaTypes.ociManifest,
  v2s2: mediaTypes.dockerManifest,
  v2s1: mediaTypes.schema1Signed,
} as const;
type Format = keyof typeof formats;

function converted(manifest: string, config: Uint8Array | undefined, change: ImageChange): string {
  const raw = readRawManifest(Buffer.from(manifest));
  const { manifest: result } = convertImage({ manifest: raw, ...(config && { config }) }, change);
  assert.deepEqual(readRawManifest(result.bytes), result);
  return Buffer.from(result.bytes).toString();
}

const layerDigests = [
  "sha256:72d055ae9ec771093aba2a0667d9db4ef78fc9bbce18deb17ab6e73d1922fd84",
  "sha256:bb5a85f5543e2f646eaec9e8d0a723f4187119b5ee02ec4d67052cff711f9c75",
] as const;

function dockerManifestOf(config: Uint8Array): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: {
      mediaType: mediaTypes.dockerConfig,
      size: config.length,
      digest: digestOf(config),
    },
    layers: layerDigests.map((digest) => ({
      mediaType: mediaTypes.dockerLayerGzip,
      size: 70,
      digest,
    })),
  });
}

interface ConfigRow {
  readonly name: string;
  readonly config: string;
  readonly base64?: true;
  readonly oci: string | { readonly error: string };
  readonly schema1: string | { readonly error: string };
}

for (const row of loadGolden<readonly ConfigRow[]>("configs.json")) {
  const config = Buffer.from(row.config, row.base64 ? "base64" : "utf8");
  test(`convertImage() makes of config ${row.name} what skopeo makes of it`, () => {
    const manifest = dockerManifestOf(config);
    const oci = outcome(row.oci, "", () => {
      const raw = readRawManifest(Buffer.from(manifest));
      const result = convertImage({ manifest: raw, config }, { mediaType: mediaTypes.ociManifest });
      assert.equal(result.config?.descriptor.digest, digestOf(result.config?.bytes ?? config));
      const named = JSON.parse(Buffer.from(result.manifest.bytes).toString()).config.digest;
      assert.equal(named, result.config?.descriptor.digest);
      return Buffer.from(result.config?.bytes ?? "").toString();
    });
    assert.deepEqual(oci, row.oci);
    const schema1 = typeof row.schema1 === "string" ? { sha256: row.schema1 } : row.schema1;
    const change = { mediaType: mediaTypes.schema1Signed };
    assert.deepEqual(
      outcome(schema1, "", () => converted(manifest, config, change)),
      schema1,
    );
  });
}

interface ManifestRow extends Partial<Record<Format, Expected>> {
  readonly name: string;
  readonly manifest: string;
  /** The same for each format. */
  readonly error?: string;
}

const [shared, ...manifestRows] =
  loadGolden<readonly [{ readonly config: string }, ...ManifestRow[]]>("manifests.json");

for (const row of manifestRows) {
  test(`convertImage() makes of manifest ${row.name} what skopeo makes of it`, () => {
    for (const format of ["oci", "v2s2", "v2s1"] as const) {
      const expected = row.error === undefined ? row[format] : { error: row.error };
      assert.ok(expected !== undefined);
      const config = Buffer.from(shared.config);
      const convert = () => converted(row.manifest, config, { mediaType: formats[format] });
      assert.deepEqual(outcome(expected, row.manifest, convert), expected, format);
    }
  });
}

interface EditFile {
  readonly config: string;
  readonly manifests: readonly string[];
  readonly cases: readonly {
    readonly name: string;
    readonly manifest: number;
    readonly edits: readonly LayerEdit[];
    readonly to: string;
    readonly expected: Expected;
  }[];
}

const editFile = loadGolden<EditFile>("layer-edits.json");
for (const { name, manifest, edits, to, expected } of editFile.cases) {
  test(`convertImage() puts new layers into ${name}`, () => {
    const given = editFile.manifests[manifest] ?? "";
    const convert = () =>
      converted(given, Buffer.from(editFile.config), { mediaType: to, layers: edits });
    assert.deepEqual(outcome(expected, given, convert), expected);
  });
}

test("convertImage() leaves a foreign layer that was not copied its URLs", () => {
  const [, second, third] = layerDigests.map((digest) => digest as Digest);
  assert.equal(third, undefined);
  const layer = {
    mediaType: mediaTypes.dockerForeignLayerGzip,
    size: 70,
    urls: ["https://a/?b&c"],
  };
  const config = Buffer.from("{}");
  const manifest = JSON.stringify({
    ...JSON.parse(dockerManifestOf(config)),
    layers: [
      { ...layer, digest: layerDigests[0] },
      { ...layer, digest: layerDigests[1] },
    ],
  });
  const layers: readonly LayerEdit[] = [
    { digest: digestOf(config), size: 3, compression: "none" },
    { digest: second as Digest, size: 70, foreign: true },
  ];
  for (const format of ["v2s2", "oci"] as const) {
    const text = converted(manifest, config, { mediaType: formats[format], layers });
    const [first, other] = JSON.parse(text).layers;
    assert.equal(first.urls, undefined);
    assert.ok(!first.mediaType.endsWith("gzip"));
    assert.deepEqual(other.urls, ["https://a/?b&c"]);
    assert.ok(other.mediaType.endsWith("gzip"));
  }
});

const refusedEdits: readonly (readonly [what: string, edits: readonly Partial<LayerEdit>[]])[] = [
  ["too few layers", [{}]],
  ["too many layers", [{}, {}, {}]],
  ["zstd in schema 2", [{ compression: "zstd" }, {}]],
  ["bzip2", [{ compression: "bzip2" }, {}]],
  ["xz", [{ compression: "Xz" }, {}]],
];

for (const [what, edits] of refusedEdits) {
  test(`convertImage() refuses ${what}`, () => {
    const config = Buffer.from("{}");
    const digest = digestOf(config);
    const layers = edits.map((edit) => ({ digest, size: 1, ...edit }));
    assert.throws(() => converted(dockerManifestOf(config), config, { layers }), {
      code: "copy.unsupported",
    });
  });
}

interface Schema1Row extends Partial<Record<"v2s2" | "oci" | "v2s1" | "none", Expected>> {
  readonly name: string;
  readonly manifest: string;
  readonly error?: string;
}

const emptyLayer = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";
/** What the layers of the rows unpack to. */
const unpacked: Readonly<Record<string, Omit<LayerEdit, "digest">>> = {
  [layerDigests[0]]: {
    size: 70,
    diffId: "sha256:3aedc96d6009dad5ea2f3cc08110d5beb6786fbab4038a041440ab61125721e5" as Digest,
  },
  [layerDigests[1]]: {
    size: 70,
    diffId: "sha256:1bbd92af85768356781724d198572e36141e1e3e80a2ac2a3f5f73dd57a754d1" as Digest,
  },
  [emptyLayer]: { size: 32, diffId: digestOf(Buffer.alloc(1024)) },
};

for (const row of loadGolden<readonly Schema1Row[]>("schema1.json")) {
  test(`convertImage() makes of schema 1 ${row.name} what skopeo makes of it`, () => {
    for (const format of ["v2s2", "oci", "v2s1", "none"] as const) {
      const expected = row.error === undefined ? row[format] : { error: row.error };
      assert.ok(expected !== undefined);
      const convert = () => {
        const manifest = readRawManifest(Buffer.from(row.manifest));
        const layers = parseSchema1(manifest).layers.map(({ digest }) => {
          return { digest, size: 1536, diffId: digest, ...unpacked[digest] };
        });
        const result = convertImage(
          { manifest },
          { layers, ...(format !== "none" && { mediaType: formats[format] }) },
        );
        const parts = [result.manifest.bytes, ...(result.config ? [result.config.bytes] : [])];
        return parts.map((part) => Buffer.from(part).toString()).join("\n");
      };
      assert.deepEqual(outcome(expected, row.manifest, convert), expected, format);
    }
  });
}

test("convertImage() writes a signature that reads back, and the destination's name", () => {
  const config = Buffer.from(
    JSON.stringify({
      architecture: "arm",
      history: [{ created_by: "a" }, { empty_layer: true }, { created_by: "b" }],
    }),
  );
  const raw = readRawManifest(Buffer.from(dockerManifestOf(config)));
  const reference = parseDockerReference("q.io/some/repo:tag");
  const change = {
    mediaType: mediaTypes.schema1Signed,
    reference,
    signedAt: "2020-02-02T02:02:02Z",
  };
  const {
    manifest,
    emptyLayer: made,
    config: madeConfig,
  } = convertImage({ manifest: raw, config }, change);
  assert.equal(madeConfig, undefined);
  assert.equal(made?.descriptor.digest, emptyLayer);
  assert.equal(digestOf(made?.bytes ?? config), emptyLayer);
  const text = Buffer.from(manifest.bytes).toString();
  assert.equal(manifest.digest, `sha256:${sha256(withoutSignatures(text))}`);
  const document = JSON.parse(text);
  assert.equal(document.name, "some/repo");
  assert.equal(document.tag, "tag");
  assert.equal(document.architecture, "arm");
  assert.deepEqual(
    parseSchema1(manifest).layers.map(({ digest }) => digest),
    [layerDigests[0], emptyLayer, layerDigests[1]],
  );
  const header = JSON.parse(Buffer.from(document.signatures[0].protected, "base64url").toString());
  assert.equal(header.time, "2020-02-02T02:02:02Z");
  const [{ header: signer, signature, protected: protectedHeader }] = document.signatures;
  const payload = Buffer.from(withoutSignatures(text)).toString("base64url");
  const key = createPublicKey({ key: signer.jwk, format: "jwk" });
  const signed = Buffer.from(`${protectedHeader}.${payload}`);
  const options = { key, dsaEncoding: "ieee-p1363" } as const;
  assert.ok(verify("sha256", signed, options, Buffer.from(signature, "base64url")));
  assert.match(signer.jwk.kid, /^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
});

test("convertImage() renames schema 1 only where the name differs", () => {
  const [simple] = loadGolden<readonly Schema1Row[]>("schema1.json");
  const manifest = readRawManifest(Buffer.from(simple?.manifest ?? ""));
  const same = { domain: "x.io", path: "library/x", tag: "t<&>" };
  assert.equal(convertImage({ manifest }, { reference: same }).manifest, manifest);
  const { tag: _, ...untagged } = same;
  const renamed = convertImage({ manifest }, { reference: { ...untagged, path: "y" } }).manifest;
  const { name, tag } = parseSchema1(renamed);
  assert.deepEqual([name, tag], ["y", ""]);
  assert.equal(renamed.mediaType, mediaTypes.schema1Signed);
});
