import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { packedFile } from "../stream/packed.ts";
import { Engine } from "../support/engine.ts";
import { writeImageFolder } from "../support/image-folder.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { startRegistry } from "../support/registry.ts";
import { tempFolder } from "../support/temp.ts";

/** skopeo: "writing blob: happened during read: …", wherever it goes. */
test("a layer that turns out to be broken when it is packed anew is the source's failure", async () => {
  await using folder = await tempFolder();
  await using registry = await startRegistry();
  await using engine = new Engine();
  const layers = {
    gzip: gzipSync("content").subarray(0, -3),
    bzip2: packedFile("layer.bz2").subarray(0, -3),
    xz: packedFile("layer.xz").subarray(0, -3),
  };
  for (const [name, bytes] of Object.entries(layers)) {
    await writeImageFolder(
      folder.in(name),
      imageOfTars([bytes], "oci", () => bytes),
    );
    for (const to of [`oci:${folder.in("out")}:latest`, `docker://${registry.host}/app:1`]) {
      const compression = { format: "zstd", force: true } as const;
      const copying = engine.copy(`dir:${folder.in(name)}`, to, { compression });
      await assert.rejects(copying, { code: "copy.source-failed" }, `${name} to ${to}`);
    }
  }
});
