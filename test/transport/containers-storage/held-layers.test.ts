import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { readRawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { emptyLayer } from "../../../src/core/schema1-conversion.ts";
import type { LayerRecord } from "../../../src/storage/layer-record.ts";
import { layersHeld } from "../../../src/transport/containers-storage/held-layers.ts";
import { makeImage } from "../../support/images.ts";

const digest = (text: string): Digest => digestOf(Buffer.from(text));

function layer(change: Partial<LayerRecord>): LayerRecord {
  const plain = { id: "0".repeat(64), diffId: digest("plain"), diffSize: 1024, compression: 0 };
  return { ...plain, compressedSize: 0, ...change } as LayerRecord;
}

const packed = { compressedDigest: digest("packed"), compressedSize: 100 };

test("layersHeld() gives plain tars, and what they were unpacked from where that is known", () => {
  const manifest = readRawManifest(makeImage({ type: "oci", layers: 1 }).bytes);
  const plain = { mediaType: mediaTypes.ociLayer, digest: digest("plain"), size: 1024 };
  const blob = { digest: digest("packed"), size: 100 };
  const rows: readonly (readonly [Partial<LayerRecord>, unknown])[] = [
    [{}, plain],
    [
      { ...packed, compression: 2 },
      { ...plain, packed: { ...blob, compression: "gzip" } },
    ],
    [
      { ...packed, compression: 4 },
      { ...plain, packed: { ...blob, compression: "zstd" } },
    ],
    [{ ...packed, compression: 3 }, plain],
    [{ ...packed, compressedSize: 0, compression: 2 }, plain],
    [{ diffSize: -1 }, { ...plain, size: -1 }],
    [
      { diffId: undefined, tocDigest: digest("toc"), expectedDiffId: digest("expected") },
      { ...plain, digest: digest("expected") },
    ],
  ];
  for (const [record, expected] of rows) {
    assert.deepEqual(layersHeld(manifest, [layer(record)]), [expected]);
  }
});

test("layersHeld() gives Docker's type for Docker's manifests", () => {
  const manifest = readRawManifest(makeImage({ type: "docker", layers: 1 }).bytes);
  assert.equal(layersHeld(manifest, [layer({})])[0]?.mediaType, mediaTypes.dockerLayer);
});

test("layersHeld() gives the empty layer for steps of schema 1 that left no files", () => {
  const step = (throwaway: boolean, index: number) => ({
    v1Compatibility: JSON.stringify({
      id: `${index}`.repeat(64),
      ...(index > 1 && { parent: `${index - 1}`.repeat(64) }),
      created: "2015-01-02T03:04:05Z",
      ...(throwaway && { throwaway }),
    }),
  });
  const top = [step(true, 3), step(false, 2), step(true, 1)];
  const manifest = {
    schemaVersion: 1,
    name: "x",
    tag: "1",
    architecture: "amd64",
    fsLayers: top.map((_, index) => ({ blobSum: digest(`${index}`) })),
    history: top,
  };
  const raw = readRawManifest(Buffer.from(JSON.stringify(manifest)));
  const digests = layersHeld(raw, [layer({})]).map((held) => held.digest);
  assert.deepEqual(digests, [emptyLayer.digest, digest("plain"), emptyLayer.digest]);
});

test("layersHeld() tells where manifest and layers do not fit, in skopeo's words", () => {
  const manifest = readRawManifest(makeImage({ type: "oci", layers: 2 }).bytes);
  const [one, three] = [[layer({})], [layer({}), layer({}), layer({})]];
  const code = "transport.unreadable";
  const tooFew = "expected more than 1 physical layers to exist";
  assert.throws(() => layersHeld(manifest, one), { code, message: tooFew });
  const tooMany = "used only 2 out of 3 physical layers";
  assert.throws(() => layersHeld(manifest, three), { code, message: tooMany });
  const unknown = layer({ diffId: undefined });
  assert.throws(() => layersHeld(manifest, [unknown, unknown]), { code, message: /is unknown$/ });
});
