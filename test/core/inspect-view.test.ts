import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { formatImageConfig } from "../../src/core/image-config.ts";
import {
  type InspectView,
  inspectConfig,
  inspectImage,
  inspectRawConfig,
} from "../../src/core/inspect-view.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { loadGolden } from "./golden.ts";

/** As `skopeo inspect` prints it, but for the digest and the tags of the repository. */
function printed(view: InspectView): object {
  const record = (map: ReadonlyMap<string, string> | null) => map && Object.fromEntries(map);
  return {
    ...(view.tag !== "" && { Tag: view.tag }),
    Created: view.created,
    DockerVersion: view.dockerVersion,
    Labels: record(view.labels),
    Architecture: view.architecture,
    Os: view.os,
    Layers: view.layers.map(({ digest }) => digest),
    LayersData: view.layers.map(({ mediaType, digest, size, annotations }) => ({
      MIMEType: mediaType,
      Digest: digest,
      Size: size,
      Annotations: record(annotations),
    })),
    Env: view.env,
  };
}

interface Row {
  readonly name: string;
  readonly manifest: string;
  readonly error?: string;
  readonly inspect?: object;
  readonly config?: object;
}

const rows = loadGolden<readonly Row[]>("schema1.json").filter(({ inspect }) => inspect);
for (const { name, manifest, inspect, config } of rows) {
  test(`inspectImage() shows of schema 1 ${name} what skopeo shows`, () => {
    const raw = readRawManifest(Buffer.from(manifest));
    if (inspect && !("error" in inspect)) {
      assert.deepEqual(printed(inspectImage(raw, undefined)), inspect);
    }
    if (config && !("error" in config)) {
      assert.deepEqual(JSON.parse(formatImageConfig(inspectConfig(raw, undefined))), config);
    }
    assert.equal(inspectRawConfig(raw, undefined).length, 0);
  });
}

function image(kind: "oci" | "docker", config: Buffer, layers: readonly object[] = [], extra = {}) {
  const oci = kind === "oci";
  const manifest = {
    schemaVersion: 2,
    mediaType: oci ? mediaTypes.ociManifest : mediaTypes.dockerManifest,
    config: {
      mediaType: oci ? mediaTypes.ociConfig : mediaTypes.dockerConfig,
      digest: digestOf(config),
      size: config.length,
    },
    layers,
    ...extra,
  };
  return readRawManifest(Buffer.from(JSON.stringify(manifest)));
}

test("inspectImage() tells absent from empty as Go does", () => {
  for (const [kind, json, created, labels, env] of [
    ["oci", "{}", null, null, null],
    ["docker", "{}", "0001-01-01T00:00:00Z", null, null],
    ["oci", '{"config":{"Labels":{},"Env":[]}}', null, new Map(), []],
    ["docker", '{"config":{"Labels":{},"Env":[]}}', "0001-01-01T00:00:00Z", new Map(), []],
    [
      "docker",
      '{"config":{"Labels":{"a":null},"Env":[null]}}',
      "0001-01-01T00:00:00Z",
      new Map([["a", ""]]),
      [""],
    ],
    ["oci", '{"created":"2020-01-01T00:00:00.120+00:00"}', "2020-01-01T00:00:00.12Z", null, null],
  ] as const) {
    const config = Buffer.from(json);
    const view = inspectImage(image(kind, config), config);
    assert.deepEqual(
      [view.created, view.labels, view.env],
      [created, labels, env],
      `${kind} ${json}`,
    );
  }
});

test("inspectImage() shows the annotations of OCI layers", () => {
  const digest = digestOf(Buffer.from("x"));
  const layer = { mediaType: mediaTypes.ociLayer, digest, size: 1 };
  const layers = [layer, { ...layer, annotations: {} }, { ...layer, annotations: { a: "b" } }];
  const config = Buffer.from("{}");
  const view = inspectImage(image("oci", config, layers), config);
  assert.deepEqual(
    view.layers.map(({ annotations }) => annotations),
    [null, new Map(), new Map([["a", "b"]])],
  );
});

test("inspectImage() and inspectConfig() refuse an artifact, naming its type", () => {
  const config = Buffer.from("{}");
  const descriptor = { mediaType: "application/x", digest: digestOf(config), size: 2 };
  for (const [extra, message] of [
    [
      { config: descriptor },
      'unsupported image-specific operation on artifact with type "application/x"',
    ],
    [
      { config: descriptor, artifactType: "a/b" },
      'unsupported image-specific operation on artifact with type "a/b"',
    ],
    [
      { config: { ...descriptor, mediaType: mediaTypes.dockerConfig } },
      `invalid mixed OCI image with Docker v2s2 config ("${mediaTypes.dockerConfig}")`,
    ],
  ] as const) {
    const raw = image("oci", config, [], extra);
    const expected = { code: "content.bad-manifest", message };
    assert.throws(() => inspectImage(raw, config), expected);
    assert.throws(() => inspectConfig(raw, config), expected);
    assert.equal(inspectRawConfig(raw, config), config);
  }
});
