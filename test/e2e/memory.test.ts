import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { mediaTypes } from "../../src/core/media-type.ts";
import { type GeneratedKind, generatedBlob } from "../support/generated-blob.ts";
import { makeImage } from "../support/images.ts";
import { launchOptions } from "../support/launch.ts";
import type { StoredBlob } from "../support/registry/store.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";

const mebibyte = 1024 * 1024;
/** The whole size of the promise in a soak; a part of it tells as much about growth in everyday runs. */
const wholeSize = process.env["AMPHORA_SOAK"] === "1";

interface Case {
  readonly name: string;
  readonly kind: GeneratedKind;
  readonly place: "docker" | "dir";
  readonly bigMib: number;
}

const cases: readonly Case[] = [
  { name: "sent as it is", kind: "gzip", place: "docker", bigMib: 256 },
  { name: "packed on its way", kind: "plain", place: "docker", bigMib: 64 },
  { name: "written to a folder", kind: "gzip", place: "dir", bigMib: 256 },
];

for (const { name, kind, place, bigMib } of cases) {
  test(`a large layer ${name} takes no more memory than a small one`, {
    timeout: 900_000,
  }, async (t) => {
    await using source = await startRegistry();
    await using home = await cliHome();
    const bigBytes = (wholeSize ? 2048 : bigMib) * mebibyte;
    await seedImage(source, "small", kind, 20 * mebibyte);
    const digest = await seedImage(source, "large", kind, bigBytes);
    const peak = (image: string) => peakOf({ home, source, image, place });
    const small = await peak("small");
    const most = 1.3 * small;
    // What else a machine does can only add to a peak, so the least of some tries is the nearest to the truth.
    let large = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 3 && large > most; n++) large = Math.min(large, await peak("large"));
    t.diagnostic(`${large} KiB for the large one, ${small} for the small`);
    assert.ok(large <= most, `${(large / small).toFixed(2)} times as much`);
    assert.deepEqual(await home.leftInTemp(), []);
    if (place === "dir") assert.equal(await hashOf(home.folder.in("large", digest)), digest);
  });
}

/** Seeds an image of one layer that is made as it is read. Gives the layer's digest in hexadecimal. */
async function seedImage(
  registry: Registry,
  repository: string,
  kind: GeneratedKind,
  size: number,
): Promise<string> {
  const { config, blobs } = makeImage({ seed: 110, type: "oci", layers: 0 });
  const { blob, digest } = await generatedBlob(kind, size);
  const layers = [{ mediaType: mediaTypes.ociLayerGzip, size, digest }];
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  registry.seed(repository, "v1", {
    blobs: new Map<string, Uint8Array | StoredBlob>([...blobs, [digest, blob]]),
    manifests: [
      { mediaType: mediaTypes.ociManifest, bytes: Buffer.from(JSON.stringify(manifest)) },
    ],
  });
  return digest.slice("sha256:".length);
}

interface Copy {
  readonly home: CliHome;
  readonly source: Registry;
  readonly image: string;
  readonly place: Case["place"];
}

/** Peak resident memory of a copy that is started as `bin/amphora` starts it, in KiB. */
async function peakOf({ home, source, image, place }: Copy): Promise<number> {
  await using destination = await startRegistry({ keepBytes: mebibyte });
  const to =
    place === "dir" ? `dir:${home.folder.in(image)}` : `docker://${destination.host}/${image}:v1`;
  const report = home.folder.in("peak");
  const preload = home.folder.in("preload.cjs");
  // Not resourceUsage().maxRSS: Linux begins that with the peak of the process that started this one.
  await home.write(
    "../preload.cjs",
    `const { readFileSync, writeFileSync } = require("node:fs");
process.on("exit", () => {
  const [, peak] = /^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  writeFileSync(${JSON.stringify(report)}, peak);
});
`,
  );
  const { nodeArgs, env } = launchOptions();
  const { exitCode, stderr } = await home.run(
    [
      "copy",
      "-q",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `docker://${source.host}/${image}:v1`,
      to,
    ],
    { nodeArgs: [...nodeArgs, "--require", preload], env, timeoutMs: 600_000 },
  );
  assert.equal(exitCode, 0, stderr);
  return Number(await readFile(report, "utf8"));
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
