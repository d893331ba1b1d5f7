import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { copy } from "../../src/copy/copy.ts";
import { dryRun } from "../../src/copy/dry-run.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { Compression } from "../../src/stream/recompress.ts";
import type { DestinationTraits } from "../../src/transport/contract/image-destination.ts";
import { makeArtifact, makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import {
  MemoryDestination,
  MemorySource,
  type MemorySourceOptions,
  transportOf,
} from "../support/memory-ends.ts";
import { noTrust } from "../support/no-trust.ts";
import { makeSchema1 } from "../support/schema1.ts";

const { signal } = new AbortController();

const plainOptions: CopyOptions = {
  select: { type: "system" },
  platform: { os: "linux", architecture: "amd64" },
  preserveDigests: false,
  removeSignatures: false,
  compression: { force: false },
};

function jobOf(
  source: MemorySource,
  destination: MemoryDestination,
  options: Partial<CopyOptions> = {},
) {
  return {
    from: { transport: transportOf({ source }), reference: source.reference },
    to: { transport: transportOf({ destination }), reference: destination.reference },
    gate: createGate(acceptAnything, noTrust),
    options: { ...plainOptions, ...options },
    tellLayers: false,
    signal,
  };
}

async function copied(
  source: MemorySource,
  destination: MemoryDestination,
  options: Partial<CopyOptions> = {},
): Promise<Digest> {
  const transfers = createTransfers(6);
  const compression = new Compression({ parallel: 2 });
  const run = { transfers, compression, report: () => {} };
  return await copy({ ...jobOf(source, destination, options), ...run });
}

function tapeOf(image: TestImage, configAt: "first" | "last", more: MemorySourceOptions = {}) {
  const config = image.config ? [image.config.digest] : [];
  const layers = image.layers.map(({ digest }) => digest).toReversed();
  const blobOrder = configAt === "first" ? [...config, ...layers] : [...layers, ...config];
  const traits = { openBlobs: 64, access: "tape", reopens: false } as const;
  return new MemorySource(image, { ...more, traits, blobOrder });
}

function layersOf(manifest: { readonly bytes: Uint8Array } | undefined) {
  return JSON.parse(Buffer.from(manifest?.bytes ?? []).toString()).layers;
}

suite("layers that a source holds in another form than the manifest says", () => {
  // What skopeo 1.22 makes of these very images: from a dir: to containers-storage: and from there to a dir:.
  const plainManifests = [
    ["docker", "sha256:1e060adf5d5faad9010740b73f559f3d61b39ea9ff175c4cd6ea9a63e790651b"],
    ["oci", "sha256:6b0703df61624a4341b14aee35c93578b980e0418176646c28ee713208f91a26"],
  ] as const;

  for (const [type, digest] of plainManifests) {
    test(`${type}: kept as they are, the manifest says what they are, byte for byte as skopeo's`, async () => {
      const image = makeImage({
        seed: 7,
        type,
        ...(type === "oci" && { annotations: { a: "b" } }),
      });
      const destination = new MemoryDestination();
      const done = await copied(new MemorySource(image, { held: "plain" }), destination);
      assert.equal(done, digest);
      assert.equal(destination.manifests[0]?.digest, digest);
      const held = destination.layers.map(({ digest }) => digest).toSorted();
      assert.deepEqual(
        layersOf(destination.manifests[0])
          .map(({ digest }: { digest: string }) => digest)
          .toSorted(),
        held,
      );
    });
  }

  test("are compressed for a destination that wants that, and named as such", async () => {
    const image = makeImage({ seed: 7, type: "oci", compression: "zstd" });
    const destination = new MemoryDestination({ layers: "compressed" });
    await copied(new MemorySource(image, { held: "plain" }), destination);
    for (const { mediaType, digest, size } of layersOf(destination.manifests[0])) {
      assert.equal(mediaType, mediaTypes.ociLayerGzip);
      const written = destination.layers.find((each) => each.digest === digest);
      assert.equal(written?.bytes.length, size);
      assert.ok(gunzipSync(written?.bytes ?? "").length > 0);
    }
  });

  test("come without a byte, and leave the manifest alone, where what they were unpacked from is held", async () => {
    const image = makeImage({ seed: 8 });
    const destination = new MemoryDestination({ layers: "compressed" });
    for (const { digest } of image.layers) destination.held.add(digest);
    const source = new MemorySource(image, { held: "packed" });
    assert.equal(await copied(source, destination), image.digest);
    assert.deepEqual(destination.layers, []);
    assert.deepEqual(source.opened, [image.config?.digest]);
  });

  test("do not come as what they were unpacked from where another compression is asked for", async () => {
    const image = makeImage({ seed: 8, type: "oci" });
    const destination = new MemoryDestination({ layers: "compressed" });
    for (const { digest } of image.layers) destination.held.add(digest);
    const source = new MemorySource(image, { held: "packed" });
    await copied(source, destination, { compression: { format: "zstd", force: false } });
    assert.deepEqual(
      layersOf(destination.manifests[0]).map(({ mediaType }: { mediaType: string }) => mediaType),
      image.layers.map(() => mediaTypes.ociLayerZstd),
    );
  });

  test("that the destination holds plain are named so", async () => {
    const image = makeImage({ seed: 9, layers: 1 });
    const destination = new MemoryDestination({ layers: "compressed" });
    const source = new MemorySource(image, { held: "plain" });
    for (const { digest } of (await source.heldLayers()) ?? []) destination.held.add(digest);
    await copied(source, destination);
    assert.equal(layersOf(destination.manifests[0])[0].mediaType, mediaTypes.dockerLayer);
  });

  test("are no other where the manifest says the same of them", async () => {
    const image = makeImage({ seed: 7, type: "oci", compression: "none" });
    const destination = new MemoryDestination();
    const source = new MemorySource(image, { held: "plain" });
    assert.equal(await copied(source, destination, { preserveDigests: true }), image.digest);
  });

  const refusals: readonly (readonly [string, Partial<CopyOptions>, MemorySourceOptions])[] = [
    ["Instructed to preserve digests", { preserveDigests: true }, {}],
    [
      "Would invalidate signatures",
      {},
      { signatures: [{ format: "simple-signing", bytes: new Uint8Array([1]) }] },
    ],
  ];
  for (const [reason, options, more] of refusals) {
    test(`are refused where the manifest must stay: ${reason}`, async () => {
      const source = new MemorySource(makeImage(), { held: "plain", ...more });
      const destination = new MemoryDestination({ signatureFormats: ["simple-signing"] });
      const refusal = {
        code: "copy.digest-would-change",
        message: `Copying this image would require changing layer representation, which we cannot do: "${reason}"`,
      };
      await assert.rejects(copied(source, destination, options), refusal);
      await assert.rejects(dryRun(jobOf(source, destination, options)), refusal);
      assert.deepEqual([source.opened, destination.expected], [[], []]);
    });
  }

  test("are copied although the destination has the manifest that the source names", async () => {
    const image = makeImage({ seed: 10 });
    const source = new MemorySource(image, { held: "plain" });
    const destination = new MemoryDestination();
    const digestOf = async () => ({ ...image, signed: async () => false });
    const job = jobOf(source, destination);
    const ends = {
      from: { ...job.from, transport: transportOf({ source, digestOf: async () => undefined }) },
      to: { ...job.to, transport: transportOf({ destination, digestOf }) },
    };
    const run = { transfers: createTransfers(6), compression: new Compression({ parallel: 1 }) };
    await copy({ ...job, ...ends, ...run, report: () => {} });
    assert.equal(destination.layers.length, 3);
    assert.equal((await dryRun({ ...job, ...ends })).nothingToDo, false);
  });
});

/** What wants all that can be wanted. */
const archive = {
  manifestTypes: [mediaTypes.dockerManifest],
  layers: "plain",
  newBlobs: "sized",
  wantsConfig: true,
  layerOrder: "base-first",
  openBlobs: 1,
} as const satisfies Partial<DestinationTraits>;

suite("sources that are read once, in their order", () => {
  for (const configAt of ["first", "last"] as const) {
    test(`blobs are taken as they come, the config ${configAt}`, async () => {
      const image = makeImage({ seed: 11, layers: 4 });
      const source = tapeOf(image, configAt);
      const destination = new MemoryDestination({ manifestTypes: [mediaTypes.ociManifest] });
      await copied(source, destination);
      assert.deepEqual(source.opened, source.blobOrder);
      assert.equal(destination.layers.length, 4);
    });
  }

  test("what the destination has is passed over", async () => {
    const image = makeImage({ seed: 11, layers: 4 });
    const source = tapeOf(image, "last");
    const destination = new MemoryDestination();
    const held = source.blobOrder[1] as Digest;
    destination.held.add(held);
    await copied(source, destination);
    assert.deepEqual(
      source.opened,
      source.blobOrder.filter((digest) => digest !== held),
    );
  });

  test("what can be wound back gives the config first, and then the layers as they come", async () => {
    const image = makeImage({ seed: 16, layers: 3 });
    const { blobOrder } = tapeOf(image, "last");
    const traits = { openBlobs: 64, access: "tape", reopens: true } as const;
    const source = new MemorySource(image, { traits, blobOrder });
    const destination = new MemoryDestination({ ...archive, manifestTypes: [] });
    await copied(source, destination);
    const [config, ...layers] = source.opened;
    assert.equal(config, image.config?.digest);
    // Each is read twice, since its size is told first.
    assert.deepEqual(
      layers,
      blobOrder.slice(0, 3).flatMap((digest) => [digest, digest]),
    );
    assert.ok(destination.layers.every(({ place, digest }) => place.diffId === digest));
  });

  test("a config that may come late comes behind the layers, and nothing is told of it before", async () => {
    const image = makeImage({ seed: 17 });
    const source = tapeOf(image, "last");
    const destination = new MemoryDestination({ wantsConfig: "or-late" });
    await copied(source, destination);
    assert.deepEqual(source.opened, source.blobOrder);
    assert.equal(destination.expected[0]?.config, undefined);
    assert.equal(destination.written.at(-1)?.place.role, "config");
    const early = new MemoryDestination({ wantsConfig: "or-late" });
    await copied(tapeOf(image, "first"), early);
    assert.ok(early.layers.every(({ place }) => place.diffId !== undefined));
  });

  const twice: readonly (readonly [string, () => MemorySource, Partial<DestinationTraits>])[] = [
    ["the config before the layers", () => tapeOf(makeImage(), "last"), { wantsConfig: true }],
    [
      "sizes of what is unpacked",
      () => tapeOf(makeImage(), "first"),
      { newBlobs: "sized", layers: "plain" },
    ],
    [
      "uncompressed digests for a config",
      () => tapeOf(makeSchema1("a", "1"), "first"),
      { manifestTypes: [mediaTypes.dockerManifest] },
    ],
  ];
  for (const [what, sourceOf, traits] of twice) {
    test(`${what} would take a second reading: refused before any`, async () => {
      const source = sourceOf();
      const destination = new MemoryDestination(traits);
      await assert.rejects(copied(source, destination), { code: "copy.unsupported" });
      await assert.rejects(dryRun(jobOf(source, destination)), { code: "copy.unsupported" });
      assert.deepEqual([source.opened, destination.expected], [[], []]);
    });
  }

  test("sizes that turn out to be needed are refused when that is seen", async () => {
    const image = makeImage({ type: "oci", compression: "none" });
    const lying = new TextDecoder()
      .decode(image.bytes)
      .replaceAll(/"(\S+layer\S+tar)"/g, '"$1+gzip"');
    const bytes = new TextEncoder().encode(lying);
    const source = tapeOf(
      { ...image, bytes, manifests: [{ mediaType: image.mediaType, bytes }] },
      "first",
    );
    const destination = new MemoryDestination({ newBlobs: "sized", layers: "compressed" });
    await assert.rejects(copied(source, destination), { code: "copy.unsupported" });
    assert.deepEqual(destination.layers, []);
  });
});

suite("destinations that want more than bytes", () => {
  test("plain layers come unpacked, in order, with their sizes and diff IDs", async () => {
    const image = makeImage({ seed: 12, type: "oci", layerBytes: 5000 });
    const source = new MemorySource(image);
    const destination = new MemoryDestination(archive);
    await copied(source, destination);
    assert.deepEqual(
      destination.layers.map(({ digest, size }) => [digest, size]),
      destination.layers.map(({ place, bytes }) => [place.diffId, bytes.length]),
    );
    assert.deepEqual(
      destination.layers.map(({ place }) => place.positions),
      [[0], [1], [2]],
    );
    const config = image.blobs.get(image.config?.digest ?? "");
    assert.deepEqual(destination.expected[0]?.config, config);
    const { diff_ids } = JSON.parse(Buffer.from(config ?? []).toString()).rootfs;
    assert.deepEqual(
      destination.layers.map(({ digest }) => digest),
      diff_ids,
    );
    assert.equal(source.opened.filter((digest) => digest === image.config?.digest).length, 1);
  });

  test("sizes are told of layers whose manifest tells none", async () => {
    const source = new MemorySource(makeSchema1("a", "1"));
    const destination = new MemoryDestination({ newBlobs: "sized" });
    await copied(source, destination);
    assert.equal(destination.layers.length, 2);
    for (const { size, bytes } of destination.layers) assert.equal(size, bytes.length);
  });

  test("changed blobs are not made where none is taken", async () => {
    const image = makeImage({ seed: 13, type: "oci" });
    const destination = new MemoryDestination({ layers: "plain", newBlobs: "none" });
    const wish = { compression: { format: "zstd", force: false } } as const;
    assert.equal(await copied(new MemorySource(image), destination, wish), image.digest);
    const packed = new MemoryDestination({ layers: "compressed", newBlobs: "none" });
    await assert.rejects(copied(new MemorySource(image), packed, wish), {
      code: "copy.unsupported",
    });
    assert.equal(packed.layers.length, 0);
  });

  test("no diff ID is told where the config is an artifact's, or does not tell one for each layer", async () => {
    const artifact = makeArtifact("application/x", new Uint8Array([1]));
    const other = makeImage({ seed: 14, layers: 2 });
    const config = Buffer.from(
      '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
    );
    const text = Buffer.from(other.bytes).toString();
    const bytes = Buffer.from(
      text
        .replace(`${other.config?.digest}`, digestOf(config))
        .replace(`"size": ${other.config?.size}`, `"size": ${config.length}`),
    );
    const blobs = new Map([...other.blobs, [digestOf(config), config]]);
    const broken = { ...other, bytes, blobs, manifests: [{ mediaType: other.mediaType, bytes }] };
    for (const [image, told] of [
      [artifact, undefined],
      [broken, config],
    ] as const) {
      const destination = new MemoryDestination({ wantsConfig: true });
      await copied(new MemorySource(image), destination);
      assert.deepEqual(destination.expected[0]?.config, told);
      assert.ok(destination.written.every(({ place }) => place.diffId === undefined));
    }
  });

  test("base first: a layer may wait for the one below it, whatever their sizes", async () => {
    const image = makeImage({ seed: 15, layers: 12 });
    const destination = new MemoryDestination({ layerOrder: "base-first", layers: "compressed" });
    const done = new Map<number, PromiseWithResolvers<void>>();
    const endOf = (position: number) => {
      const known = done.get(position) ?? Promise.withResolvers<void>();
      done.set(position, known);
      return known;
    };
    destination.beforeLayer = async ({ positions: [position = 0] }) => {
      if (position > 0) await endOf(position - 1).promise;
      endOf(position).resolve();
    };
    await copied(new MemorySource(image), destination);
    assert.deepEqual(
      destination.asked.flatMap(({ place }) => place.positions),
      image.layers.map((_, position) => position),
    );
    assert.equal(destination.layers.length, 12);
  });

  test("one image: a list is refused as a group, and one of it is taken", async () => {
    const source = () => new MemorySource(makeMultiArch());
    const destination = new MemoryDestination();
    const group = { select: { type: "all" } } as const;
    const refusal = {
      code: "copy.unsupported",
      message:
        'copying multiple images: destination transport "docker-archive" does not support copying multiple images as a group',
    };
    await assert.rejects(copied(source(), destination, group), refusal);
    await assert.rejects(dryRun(jobOf(source(), destination, group)), refusal);
    await copied(source(), destination);
    assert.equal(destination.expected[0]?.chosenFrom?.mediaType, mediaTypes.dockerList);
    assert.equal(destination.manifests.length, 1);
    assert.equal(
      readRawManifest(destination.manifests[0]?.bytes ?? new Uint8Array()).mediaType,
      mediaTypes.dockerManifest,
    );
  });
});
