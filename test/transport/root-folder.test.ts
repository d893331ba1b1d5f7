import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { copy } from "../../src/copy/copy.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { Compression } from "../../src/stream/recompress.ts";
import type { UnpackedImage } from "../../src/transport/root-folder/destination.ts";
import { NewFolder } from "../../src/transport/root-folder/new-folder.ts";
import { rootFolder } from "../../src/transport/root-folder/transport.ts";
import { makeArtifact, type TestImage } from "../support/images.ts";
import { MemorySource, transportOf } from "../support/memory-ends.ts";
import { noTrust } from "../support/no-trust.ts";
import { makeSchema1 } from "../support/schema1.ts";
import { tarOf } from "../support/tar.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const { signal } = new AbortController();

/** An image of plain layers, each of files by name. */
function imageOf(layers: readonly Readonly<Record<string, string>>[]): TestImage {
  const tars = layers.map((files) =>
    tarOf(Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) }))),
  );
  const rootfs = { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) };
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", rootfs }));
  const described = (mediaType: string, bytes: Uint8Array) => {
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: described(mediaTypes.ociConfig, config),
    layers: tars.map((tar) => described(mediaTypes.ociLayer, tar)),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const top = described(mediaTypes.ociManifest, bytes);
  return {
    ...top,
    bytes,
    descriptor: top,
    config: manifest.config,
    layers: manifest.layers,
    blobs: new Map([config, ...tars].map((blob) => [digestOf(blob), blob])),
    manifests: [{ mediaType: top.mediaType, bytes }],
  };
}

/** From a source that is read once, its config behind its layers. */
function tapeOf(image: TestImage): MemorySource {
  const blobOrder = [...image.layers, image.config].flatMap((blob) => (blob ? [blob.digest] : []));
  const traits = { access: "tape", reopens: false } as const;
  return new MemorySource(image, { traits, blobOrder });
}

async function unpacked(
  image: TestImage,
  folder: TempFolder,
  source = new MemorySource(image),
): Promise<UnpackedImage[]> {
  const target = folder.in("rootfs");
  await mkdir(target);
  const given: UnpackedImage[] = [];
  const ignoreOwners = process.getuid?.() !== 0;
  const finish = async (each: UnpackedImage) => void given.push(each);
  await copy({
    from: { transport: transportOf({ source }), reference: source.reference },
    to: rootFolder(target, target, { userNamespace: ignoreOwners, ignoreOwners, finish }),
    gate: createGate(acceptAnything, noTrust),
    options: {
      select: { type: "system" },
      platform: { os: "linux", architecture: "amd64" },
      preserveDigests: false,
      removeSignatures: true,
      compression: { format: "zstd", force: false },
    },
    transfers: createTransfers(6),
    compression: new Compression({ parallel: 1 }),
    report: () => {},
    tellLayers: false,
    signal,
  });
  return given;
}

test("layers lie one upon the other, one that comes twice in both its places", async () => {
  await using folder = await tempFolder();
  const image = imageOf([
    { a: "1", b: "1" },
    { ".wh.a": "", b: "2", c: "2" },
    { a: "1", b: "1" },
  ]);
  const [given] = await unpacked(image, folder);
  assert.equal(given?.manifest.digest, image.digest);
  assert.deepEqual((await readdir(folder.in("rootfs"))).toSorted(), ["a", "b", "c"]);
  assert.equal(await readFile(folder.in("rootfs", "b"), "utf8"), "1");
});

test("whiteouts take away what lies below", async () => {
  await using folder = await tempFolder();
  await unpacked(imageOf([{ "d/a": "1", "d/b": "1" }, { "d/.wh.a": "" }, { c: "3" }]), folder);
  assert.deepEqual(await readdir(folder.in("rootfs", "d")), ["b"]);
});

test("schema 1 is unpacked too, its config made", async () => {
  await using folder = await tempFolder();
  const [given] = await unpacked(makeSchema1("a", "1"), folder);
  assert.equal(given?.manifest.mediaType, mediaTypes.dockerManifest);
  assert.equal((await readdir(folder.in("rootfs"))).length, 2);
});

test("an artifact has no filesystem", async () => {
  await using folder = await tempFolder();
  const artifact = makeArtifact("application/x", new Uint8Array([1]));
  await assert.rejects(unpacked(artifact, folder), /an artifact has no filesystem/);
});

/** The config of an image with one layer less. */
function lyingImage(): TestImage {
  const image = imageOf([{ a: "1" }, { b: "2" }]);
  const { config } = imageOf([{ a: "1" }]);
  const bytes = Buffer.from(
    Buffer.from(image.bytes)
      .toString()
      .replace(JSON.stringify(image.config), JSON.stringify(config)),
  );
  const blobs = new Map([...image.blobs, ...imageOf([{ a: "1" }]).blobs]);
  const manifests = [{ mediaType: image.mediaType, bytes }];
  return { ...image, ...(config && { config }), bytes, blobs, manifests };
}

test("a config that does not tell a diff ID for each layer is not believed", async () => {
  await using folder = await tempFolder();
  await assert.rejects(unpacked(lyingImage(), folder), /does not tell one diff ID for each layer/);
});

test("a config that comes behind the layers is compared with what they were", async () => {
  await using folder = await tempFolder();
  const honest = imageOf([{ a: "1" }, { b: "2" }]);
  const [given] = await unpacked(honest, folder, tapeOf(honest));
  assert.equal(given?.manifest.digest, honest.digest);
  await using other = await tempFolder();
  const lying = lyingImage();
  await assert.rejects(unpacked(lying, other, tapeOf(lying)), /config says nothing of it/);
});

test("NewFolder gives the folder its name when it is whole, and leaves nothing before", async () => {
  await using folder = await tempFolder();
  const target = folder.in("deep", "target");
  {
    await using given = await NewFolder.begin(target);
    assert.equal((await stat(given.path)).mode & 0o777, 0o700);
    await mkdir(`${given.path}/in`);
  }
  assert.deepEqual(await readdir(folder.in("deep")), []);
  {
    await using given = await NewFolder.begin(target);
    await mkdir(`${given.path}/in`);
    await writeFile(`${given.path}/in/file`, "");
    await chmod(`${given.path}/in`, 0o555);
    await given.finish(`${given.path}/in`);
  }
  assert.equal((await stat(target)).mode & 0o777, 0o555);
  assert.deepEqual(await readdir(folder.in("deep")), ["target"]);
  await chmod(target, 0o755);
  await assert.rejects(NewFolder.begin(target), { code: "layout.unsupported" });
  await writeFile(folder.in("file"), "");
  await assert.rejects(NewFolder.begin(folder.in("file")), { code: "layout.unsupported" });
  assert.ok(existsSync(folder.in("file")));
});
