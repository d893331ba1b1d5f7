import assert from "node:assert/strict";
import { test } from "node:test";
import { type LayerWish, layerChange } from "../../src/copy/layer-change.ts";
import {
  indexTypesToTry,
  manifestTypesToTry,
  type TypeWish,
} from "../../src/copy/manifest-types.ts";
import { mediaTypes as m } from "../../src/core/media-type.ts";

const docker = [
  m.ociManifest,
  m.dockerManifest,
  m.ociIndex,
  m.dockerList,
  m.schema1Signed,
  m.schema1,
];
const oci = [m.ociManifest, m.ociIndex];

const typeRows: readonly (readonly [wish: TypeWish, types: readonly string[]])[] = [
  [{ source: m.ociManifest, destination: [] }, [m.ociManifest]],
  [{ source: m.schema1, destination: [] }, [m.schema1]],
  [
    { source: m.ociManifest, destination: docker },
    [m.ociManifest, m.dockerManifest, m.schema1Signed, m.schema1],
  ],
  [
    { source: m.dockerManifest, destination: docker },
    [m.dockerManifest, m.schema1Signed, m.ociManifest, m.schema1],
  ],
  [{ source: m.dockerManifest, destination: oci }, [m.ociManifest]],
  [{ source: m.ociManifest, destination: docker, forced: m.dockerManifest }, [m.dockerManifest]],
  [{ source: m.dockerManifest, destination: [], compression: "zstd" }, [m.ociManifest]],
  [{ source: m.dockerManifest, destination: docker, compression: "zstd" }, [m.ociManifest]],
  [
    { source: m.dockerManifest, destination: docker, compression: "gzip" },
    [m.dockerManifest, m.schema1Signed, m.ociManifest, m.schema1],
  ],
  [{ source: m.dockerManifest, destination: oci, keepBecause: "x" }, [m.dockerManifest]],
  [
    { source: m.ociManifest, destination: docker, forced: m.dockerManifest, keepBecause: "x" },
    [m.ociManifest],
  ],
];

test("manifestTypesToTry() keeps the type where it can, else prefers as skopeo does", () => {
  for (const [wish, types] of typeRows) {
    assert.deepEqual(manifestTypesToTry(wish), types, JSON.stringify(wish));
  }
});

test("manifestTypesToTry() refuses a compression that no type at hand can express", () => {
  assert.throws(
    () =>
      manifestTypesToTry({
        source: m.ociManifest,
        destination: docker,
        forced: m.dockerManifest,
        compression: "zstd",
      }),
    {
      code: "copy.unsupported",
      message: `compression using zstd required together with format ${m.dockerManifest}, which does not support it`,
    },
  );
});

test("indexTypesToTry() follows the format that the instances are forced to", () => {
  assert.deepEqual(indexTypesToTry({ source: m.dockerList, destination: docker }), [
    m.dockerList,
    m.ociIndex,
  ]);
  assert.deepEqual(indexTypesToTry({ source: m.dockerList, destination: oci }), [m.ociIndex]);
  assert.deepEqual(indexTypesToTry({ source: m.dockerList, destination: [] }), [m.dockerList]);
  assert.deepEqual(
    indexTypesToTry({ source: m.dockerList, destination: docker, forced: m.ociManifest }),
    [m.ociIndex],
  );
  assert.deepEqual(
    indexTypesToTry({ source: m.ociIndex, destination: docker, forced: m.schema1Signed }),
    [m.dockerList],
  );
});

const wish = (layers: LayerWish["layers"], format?: "gzip" | "zstd"): LayerWish => ({
  layers,
  compression: { force: false, ...(format && { format }) },
});

test("layerChange() changes what the destination and the user want changed, and nothing else", () => {
  assert.equal(layerChange(wish("as-is", "zstd"), "none"), undefined);
  assert.equal(layerChange(wish("plain"), "none"), undefined);
  assert.deepEqual(layerChange(wish("plain"), "zstd"), { decompress: true });
  assert.deepEqual(layerChange(wish("compressed"), "none"), {
    decompress: false,
    compress: "gzip",
  });
  assert.deepEqual(layerChange(wish("compressed", "zstd"), "none"), {
    decompress: false,
    compress: "zstd",
  });
  assert.equal(layerChange(wish("compressed"), "zstd"), undefined);
  assert.equal(layerChange(wish("compressed", "gzip"), "gzip"), undefined);
  assert.deepEqual(layerChange(wish("compressed", "zstd"), "gzip"), {
    decompress: true,
    compress: "zstd",
  });
});
