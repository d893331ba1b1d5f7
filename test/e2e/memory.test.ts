import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { mediaTypes } from "../../src/core/media-type.ts";
import { buildProgram } from "../support/built.ts";
import { generatedBlob } from "../support/generated-blob.ts";
import { makeImage } from "../support/images.ts";
import type { StoredBlob } from "../support/registry/store.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const mebibyte = 1024 * 1024;
// The whole size of the promise in a soak; an eighth of it tells as much about growth in everyday runs.
const bigBytes = (process.env["AMPHORA_SOAK"] === "1" ? 2048 : 256) * mebibyte;

/** Seeds an image of one layer that is made as it is read. */
async function seedLarge(registry: Registry, repository: string, size: number): Promise<void> {
  const { config, blobs } = makeImage({ seed: 110, type: "oci", layers: 0 });
  const { blob, digest } = await generatedBlob(size);
  const layers = [{ mediaType: mediaTypes.ociLayerGzip, size, digest }];
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  registry.seed(repository, "v1", {
    blobs: new Map<string, Uint8Array | StoredBlob>([...blobs, [digest, blob]]),
    manifests: [
      { mediaType: mediaTypes.ociManifest, bytes: Buffer.from(JSON.stringify(manifest)) },
    ],
  });
}

for (const place of ["docker", "dir"] as const) {
  test(`a large layer to ${place}: takes no more memory than a small one`, {
    timeout: 300_000,
  }, async () => {
    await using source = await startRegistry();
    await using destination = await startRegistry({ keepBytes: mebibyte });
    await using built = await buildProgram();
    await using home = await cliHome();
    await seedLarge(source, "small", 20 * mebibyte);
    await seedLarge(source, "large", bigBytes);
    const peaks: number[] = [];
    for (const name of ["small", "large"]) {
      const to =
        place === "dir" ? `dir:${home.folder.in(name)}` : `docker://${destination.host}/${name}:v1`;
      peaks.push(await peakOf(home, built.main, [`docker://${source.host}/${name}:v1`, to]));
    }
    const [small = 0, large = 0] = peaks;
    assert.ok(large <= 1.3 * small, `${large} KiB for the large one, ${small} for the small`);
    assert.ok(large <= 128 * 1024, `${large} KiB is more than a small machine has`);
    assert.deepEqual(await home.leftInTemp(), []);
    if (place === "dir") await assertHash(home, bigBytes);
  });
}

/** Peak resident memory of a copy with a heap of 64 MiB, in KiB. */
async function peakOf(
  home: CliHome,
  main: string,
  [from = "", to = ""]: string[],
): Promise<number> {
  const report = home.folder.in("peak");
  const preload = home.folder.in("preload.mjs");
  await home.write(
    "../preload.mjs",
    `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(${JSON.stringify(report)}, String(process.resourceUsage().maxRSS)));
`,
  );
  const { exitCode, stderr } = await home.run(
    ["copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", from, to],
    { main, nodeArgs: ["--max-old-space-size=64", "--import", preload], timeoutMs: 240_000 },
  );
  assert.equal(exitCode, 0, stderr);
  return Number(await readFile(report, "utf8"));
}

async function assertHash(home: CliHome, size: number): Promise<void> {
  const { digest } = await generatedBlob(size);
  const hex = digest.slice("sha256:".length);
  const { createReadStream } = await import("node:fs");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(home.folder.in("large", hex))) hash.update(chunk);
  assert.equal(hash.digest("hex"), hex);
}
