import assert from "node:assert/strict";
import { test } from "node:test";
import { convertImage } from "../../src/core/conversion.ts";
import type { Digest } from "../../src/core/digest.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { ContentError, CopyError, UsageError } from "../../src/core/errors.ts";
import { parseImageManifest } from "../../src/core/image-manifest.ts";
import { parseIndexManifest, rebuildIndex } from "../../src/core/index-manifest.ts";
import { inspectConfig, inspectImage } from "../../src/core/inspect-view.ts";
import { manifestDigest, type RawManifest, readRawManifest } from "../../src/core/manifest.ts";
import { isIndexType, isSchema1Type, mediaTypes } from "../../src/core/media-type.ts";
import { chooseInstance, parsePlatform } from "../../src/core/platform.ts";
import { parseSchema1 } from "../../src/core/schema1.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";
import { loadGolden } from "./golden.ts";

/** Rounds a document: a long run is asked for by AMPHORA_SOAK=1. */
const rounds = process.env["AMPHORA_SOAK"] === "1" ? 500 : 40;

/** Numbers that look random and are the same in each run. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

const pieces = [
  ...'{}[],:"\\0-e.\n\0',
  ...["null", "true", "1e999", "-1", '"__proto__":', '{"a":1}', "[[[[", "\\ud800", "\u2028"],
  ...[
    '"mediaType":',
    '"layers":[],',
    '"manifests":[],',
    '"schemaVersion":1,',
    '"signatures":[{}],',
  ],
];

/** The document with a few bytes changed, cut out, repeated or put in. */
function mutated(bytes: Buffer, random: (limit: number) => number): Buffer {
  let result = Buffer.from(bytes);
  for (let count = random(4); count >= 0; count -= 1) {
    const at = random(result.length + 1);
    const end = Math.min(result.length, at + random(random(4) === 0 ? 200 : 4));
    const piece = Buffer.from(pieces[random(pieces.length)] ?? "");
    const middle = [
      Buffer.of(random(256)),
      Buffer.alloc(0),
      Buffer.concat([result.subarray(at, end), result.subarray(at, end)]),
      piece,
    ][random(4)];
    const tail = random(3) === 0 ? at : end;
    result = Buffer.concat([result.subarray(0, at), middle ?? piece, result.subarray(tail)]);
  }
  return result;
}

/** Runs `work`, of which nothing but a foreseen failure may come. */
function onlyForeseen(work: () => unknown, input: Uint8Array): void {
  try {
    work();
  } catch (error) {
    const foreseen =
      error instanceof ContentError || error instanceof UsageError || error instanceof CopyError;
    if (foreseen) return;
    const shown = Buffer.from(input).toString("base64");
    assert.fail(new Error(`unforeseen failure for ${shown}`, { cause: error }));
  }
}

const targets = [mediaTypes.ociManifest, mediaTypes.dockerManifest, mediaTypes.schema1Signed];

function exercise(raw: RawManifest, config: Uint8Array): void {
  const input = raw.bytes;
  if (isIndexType(raw.mediaType)) {
    onlyForeseen(() => {
      const index = parseIndexManifest(raw);
      const updates = new Map(
        index.instances.map(({ digest, ...rest }) => [digest, { ...rest, digest, zstd: true }]),
      );
      for (const mediaType of [mediaTypes.ociIndex, mediaTypes.dockerList]) {
        parseIndexManifest(rebuildIndex(raw, { mediaType, updates, keep: (_, at) => at > 0 }));
      }
      chooseInstance(index, { os: "linux", architecture: "arm", variant: "v7" });
    }, input);
    return;
  }
  onlyForeseen(() => inspectImage(raw, config), input);
  onlyForeseen(() => inspectConfig(raw, config), input);
  for (const mediaType of targets) {
    onlyForeseen(() => {
      const layers = isSchema1Type(raw.mediaType)
        ? parseSchema1(raw).layers
        : parseImageManifest(raw).layers;
      const edits = layers.map(({ digest }) => ({ digest, size: 1, diffId: digest as Digest }));
      const converted = convertImage({ manifest: raw, config }, { mediaType, layers: edits });
      assert.deepEqual(readRawManifest(converted.manifest.bytes), converted.manifest);
    }, input);
  }
}

const manifests = [
  ...loadGolden<readonly { readonly manifest?: string }[]>("manifests.json"),
  ...loadGolden<readonly { readonly manifest: string }[]>("schema1.json"),
  ...loadGolden<readonly { readonly index: string }[]>("indexes.json").map(({ index }) => ({
    manifest: index,
  })),
].flatMap(({ manifest }) => (manifest === undefined ? [] : [Buffer.from(manifest)]));

const configs = loadGolden<readonly { readonly config: string; readonly base64?: true }[]>(
  "configs.json",
).map(({ config, base64 }) => Buffer.from(config, base64 ? "base64" : "utf8"));

test("readRawManifest() and all that follows it fail only in foreseen ways", () => {
  const random = seeded(20_260_101);
  const [config = Buffer.from("{}")] = configs;
  for (const manifest of manifests) {
    for (let round = 0; round < rounds; round += 1) {
      const input = mutated(manifest, random);
      onlyForeseen(() => manifestDigest(input), input);
      onlyForeseen(() => {
        exercise(readRawManifest(input), config);
      }, input);
    }
  }
});

test("inspectImage() and convertImage() fail only in foreseen ways of broken configs", () => {
  const random = seeded(20_260_102);
  const given = loadGolden<readonly { readonly manifest?: string }[]>("manifests.json");
  const raws = given
    .slice(1, 3)
    .map(({ manifest }) => readRawManifest(Buffer.from(manifest ?? "")));
  for (const config of configs) {
    for (let round = 0; round < rounds; round += 1) {
      const input = mutated(config, random);
      for (const raw of raws) exercise(raw, input);
    }
  }
});

test("parseStrictJson(), parseDockerReference() and parsePlatform() fail only in foreseen ways", () => {
  const random = seeded(20_260_103);
  const texts = [
    "docker.io/library/a:b",
    `localhost:5000/a/b@sha256:${"a".repeat(64)}`,
    "linux/arm/v7",
  ];
  for (const text of texts) {
    for (let round = 0; round < rounds * 20; round += 1) {
      const input = mutated(Buffer.from(text), random);
      onlyForeseen(() => parseDockerReference(input.toString()), input);
      onlyForeseen(() => parsePlatform(input.toString()), input);
      onlyForeseen(() => parseStrictJson(input, { maxDepth: 10 }), input);
    }
  }
});
