import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Engine } from "../support/engine.ts";
import { makeArtifact, makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const places = ["docker", "oci", "dir"] as const;
type Place = (typeof places)[number];

/** Images that every place can hold as they are. */
const images: Readonly<Record<string, TestImage>> = {
  "an OCI image": makeImage({ seed: 60, type: "oci" }),
  "an OCI image without mediaType": makeImage({ seed: 61, type: "oci", omitMediaType: true }),
  "an image with zstd layers": makeImage({ seed: 62, type: "oci", compression: "zstd" }),
  "an image whose layers are one blob": sameLayers(),
  "an image without layers": makeImage({ seed: 64, type: "oci", layers: 0 }),
  "an image with sha512 digests": makeImage({ seed: 65, type: "oci", algorithm: "sha512" }),
  "an index": makeMultiArch({ seed: 66, type: "oci" }),
  "an artifact": makeArtifact("application/x-thing", Buffer.from("a thing")),
  "an artifact of no bytes": makeArtifact("application/x-thing", Buffer.alloc(0)),
};

/** These two `oci:` cannot hold: it would turn them into OCI's own. */
const dockerImages: Readonly<Record<string, TestImage>> = {
  "a Docker image": makeImage({ seed: 67 }),
  "a Docker image with plain layers": makeImage({ seed: 68, compression: "none" }),
  "a list": makeMultiArch({ seed: 69 }),
};

function sameLayers(): TestImage {
  const image = makeImage({ seed: 63, type: "oci", layers: 1 });
  const text = Buffer.from(image.bytes).toString();
  const { layers, ...rest } = JSON.parse(text);
  const bytes = Buffer.from(JSON.stringify({ ...rest, layers: [...layers, ...layers] }));
  return { ...image, bytes, manifests: [{ mediaType: image.mediaType, bytes }] };
}

suite("copy() keeps every byte of", { concurrency: 4 }, () => {
  for (const [name, image] of Object.entries(images)) {
    for (const first of places) {
      for (const second of places) {
        test(`${name} on its way docker, ${first}, ${second}, docker`, () =>
          travel(image, [first, second]));
      }
    }
  }
  for (const [name, image] of Object.entries(dockerImages)) {
    for (const way of ["docker", "dir"] as const) {
      test(`${name} on its way docker, ${way}, dir, docker`, () => travel(image, [way, "dir"]));
    }
  }
});

async function travel(image: TestImage, way: readonly Place[]): Promise<void> {
  await using registry = await startRegistry();
  await using folder = await tempFolder();
  const digest = registry.seed("start", "v1", image);
  let from = `docker://${registry.host}/start:v1`;
  const stops = [...way.map((place, index) => stop(place, index, registry, folder)), ""];
  for (const to of stops) {
    await using engine = new Engine();
    const next = to || `docker://${registry.host}/end/of/way:v1`;
    const copied = await engine.copy(from, next, {
      select: { type: "all" },
      preserveDigests: true,
    });
    assert.equal(copied, digest);
    from = next;
  }
  const end = registry.store.open("end/of/way");
  assert.equal(end.resolve("v1"), digest);
  assert.deepEqual([...end.blobs.keys()].sort(), [...image.blobs.keys()].sort());
}

function stop(place: Place, index: number, registry: Registry, folder: TempFolder): string {
  if (place === "docker") return `docker://${registry.host}/stop${index}:v1`;
  return place === "dir" ? `dir:${folder.in(`${index}`)}` : `oci:${folder.in(`${index}`)}:v1`;
}

test("no pair of places leaves anything in TMPDIR", { timeout: 300_000 }, async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  registry.seed("start", "v1", makeImage({ seed: 70, type: "oci" }));
  let from = `docker://${registry.host}/start:v1`;
  // A walk that takes every pair once.
  for (const [index, place] of [
    ...["oci", "dir", "docker", "docker", "dir", "dir", "oci", "oci", "docker"],
  ].entries()) {
    const to = stop(place as Place, index, registry, home.folder);
    const flags = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    const { exitCode, stderr } = await home.run(["copy", "-q", ...flags, from, to]);
    assert.equal(exitCode, 0, stderr);
    from = to;
  }
  assert.deepEqual(await home.leftInTemp(), []);
});
