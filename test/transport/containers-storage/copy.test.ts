import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { type Digest, digestOf, hexOf } from "../../../src/core/digest.ts";
import { KnownError } from "../../../src/core/errors.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { Engine } from "../../support/engine.ts";
import { type ImageStore, imageStore } from "../../support/image-store.ts";
import { makeArtifact, makeImage, makeMultiArch, type TestImage } from "../../support/images.ts";
import { layerEntry, layerOf } from "../../support/layers.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { imageOfTars } from "../../support/odd-layers.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { hang } from "../../support/registry/faults.ts";
import { startRegistry } from "../../support/registry.ts";
import { makeSchema1 } from "../../support/schema1.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const drivers = ["overlay", "vfs"] as const;
type Driver = (typeof drivers)[number];

interface Scene {
  readonly engine: Engine;
  readonly store: ImageStore;
  readonly folder: TempFolder;
  /** Writes an image as a layout. @returns its reference */
  layout(name: string, image: TestImage): Promise<string>;
  /** Copies an image of the store to a folder. @returns the folder */
  out(name: string): Promise<string>;
}

/** A test of each of the drivers, in a store of its own. */
function storeTest(name: string, body: (scene: Scene) => Promise<void>, only?: Driver): void {
  for (const driver of only ? [only] : drivers) {
    test(`${driver}: ${name}`, { skip: skipUnprivileged() }, async () => {
      await using engine = new Engine();
      await using store = await imageStore(driver);
      await using folder = await tempFolder();
      const layout = async (name: string, image: TestImage) => {
        await writeLayoutFolder(folder.in(name), image);
        return `oci:${folder.in(name)}`;
      };
      const out = async (name: string) => {
        const target = folder.in(`out-${name.replaceAll(/\W/g, "-")}`);
        await engine.copy(store.reference(name), `dir:${target}`, { removeSignatures: true });
        return target;
      };
      await body({ engine, store, folder, layout, out });
    });
  }
}

/** Layer digests of an image made by {@link makeImage}, as plain tars. */
function plainDigests(image: TestImage): readonly Digest[] {
  return image.layers.map(({ digest, mediaType }) => {
    const bytes = image.blobs.get(digest) ?? new Uint8Array();
    if (mediaType.endsWith("zstd")) return digestOf(zstdDecompressSync(bytes));
    return mediaType.endsWith("gzip") ? digestOf(gunzipSync(bytes)) : digest;
  });
}

/** Checks the files of a `dir:`, and gives its layers' digests. */
async function layersIn(folder: string): Promise<readonly Digest[]> {
  const manifest = JSON.parse(await readFile(`${folder}/manifest.json`, "utf8"));
  const layers: readonly { readonly digest: Digest; readonly size: number }[] = manifest.layers;
  for (const { digest, size } of layers) {
    const bytes = await readFile(`${folder}/${hexOf(digest)}`);
    assert.deepEqual([digestOf(bytes), bytes.byteLength], [digest, size]);
  }
  return layers.map(({ digest }) => digest);
}

/** The image with another config, or other layers in its manifest. */
function changed(image: TestImage, change: (config: Json, manifest: Json) => void): TestImage {
  const manifest = JSON.parse(Buffer.from(image.bytes).toString());
  const config = JSON.parse(Buffer.from(image.blobs.get(manifest.config.digest) ?? "").toString());
  change(config, manifest);
  const bytes = Buffer.from(JSON.stringify(config));
  manifest.config = { ...manifest.config, digest: digestOf(bytes), size: bytes.length };
  const top = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(top);
  return {
    ...image,
    bytes: top,
    digest,
    descriptor: { ...image.descriptor, digest, size: top.length },
    blobs: new Map([...image.blobs, [digestOf(bytes), bytes]]),
    manifests: [{ mediaType: image.mediaType, bytes: top }],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON to be taken apart
type Json = any;

const images: Readonly<Record<string, TestImage>> = {
  oci: makeImage({ type: "oci", layers: 2, seed: 1 }),
  docker: makeImage({ type: "docker", layers: 2, seed: 2 }),
  zstd: makeImage({ type: "oci", compression: "zstd", layers: 2, seed: 3 }),
  plain: makeImage({ type: "oci", compression: "none", layers: 2, seed: 4 }),
  none: makeImage({ type: "oci", layers: 0, seed: 5 }),
};

storeTest("what goes in comes out as plain tars, with its config as it was", async (scene) => {
  const { engine, store, layout, out } = scene;
  for (const [name, image] of Object.entries(images)) {
    if (store.driver === "vfs" && ["docker", "plain"].includes(name)) continue; // the same there
    await engine.copy(await layout(name, image), store.reference(`${name}:1`));
    const folder = await out(`${name}:1`);
    assert.deepEqual(await layersIn(folder), plainDigests(image), name);
    const { config } = JSON.parse(await readFile(`${folder}/manifest.json`, "utf8"));
    assert.equal(config.digest, image.config?.digest);
    const found = await (await store.open()).findImage(`docker.io/library/${name}:1`);
    assert.equal(found?.id, hexOf(image.config?.digest as Digest));
    assert.equal(found.digest, image.digest);
    assert.deepEqual(found.dataNames, [config.digest, `manifest-${image.digest}`, "manifest"]);
    assert.equal(found.created, "2024-01-02T03:04:05.678901234Z");
  }
});

storeTest(
  "layers that the manifest says are packed, and are not, come out as what they are",
  async (scene) => {
    const { engine, store, layout, out } = scene;
    const tars = [layerOf(layerEntry({ name: "file" }, "x"))];
    for (const [type, expected] of [
      ["docker", mediaTypes.dockerLayer],
      ["oci", mediaTypes.ociLayer],
    ] as const) {
      const image = imageOfTars(tars, type, (tar) => tar);
      await engine.copy(await layout(type, image), store.reference(`${type}:1`));
      const { layers } = JSON.parse(
        await readFile(`${await out(`${type}:1`)}/manifest.json`, "utf8"),
      );
      assert.deepEqual(
        layers.map(({ mediaType, digest }: Json) => [mediaType, digest]),
        tars.map((tar) => [expected, digestOf(tar)]),
      );
    }
  },
);

storeTest(
  "an image that was converted is found by the digest that it had, too",
  async (scene) => {
    const { engine, store, layout, out } = scene;
    const image = makeImage({ type: "oci", layers: 1, seed: 30 });
    const options = { manifestType: mediaTypes.dockerManifest };
    await engine.copy(await layout("oci", image), store.reference("made:1"), options);
    const found = await (await store.open()).findImage("docker.io/library/made:1");
    assert.deepEqual(
      found?.dataNames.filter((name) => name.startsWith("manifest")),
      [`manifest-${image.digest}`, `manifest-${found?.digest}`, "manifest"],
    );
    const given = JSON.parse(
      await readFile(`${await out(`made@${image.digest}`)}/manifest.json`, "utf8"),
    );
    assert.equal(given.mediaType, mediaTypes.ociManifest);
  },
  "overlay",
);

storeTest(
  "a blob in several places becomes several layers",
  async ({ engine, store, ...scene }) => {
    const image = changed(makeImage({ type: "oci", layers: 2, seed: 6 }), (config, manifest) => {
      const twice = ([a, b]: readonly unknown[]) => [a, b, a, a];
      manifest.layers = twice(manifest.layers);
      config.rootfs.diff_ids = twice(config.rootfs.diff_ids);
      delete config.history;
    });
    await engine.copy(await scene.layout("twice", image), store.reference("twice:1"));
    const [a, b] = plainDigests(image);
    assert.deepEqual(await layersIn(await scene.out("twice:1")), [a, b, a, a]);
    assert.equal((await (await store.open()).layers()).length, 4);
  },
);

storeTest(
  "layers that are there are adopted, under any parent",
  async ({ engine, store, ...scene }) => {
    const image = makeImage({ type: "oci", seed: 7 });
    const turned = changed(image, (config, manifest) => {
      manifest.layers.reverse();
      config.rootfs.diff_ids.reverse();
    });
    await engine.copy(await scene.layout("image", image), store.reference("image:1"));
    engine.events.length = 0;
    await engine.copy(await scene.layout("turned", turned), store.reference("turned:1"));
    assert.equal(blobs(engine, "blob-adopted"), 3);
    assert.equal(blobs(engine, "blob-copied"), 0);
    assert.deepEqual(await layersIn(await scene.out("turned:1")), plainDigests(image).toReversed());
  },
);

storeTest(
  "a list's image is found by its own digest, by the list's, and by its name",
  async ({ engine, store, ...scene }) => {
    const list = makeMultiArch({ type: "oci", seed: 8 });
    await engine.copy(await scene.layout("list", list), store.reference("list:1"));
    const manifests = JSON.parse(Buffer.from(list.bytes).toString()).manifests;
    for (const name of ["list:1", `list@${list.digest}`, `list@${manifests[0].digest}`]) {
      assert.equal((await layersIn(await scene.out(name))).length, 1, name);
    }
    const { transport, reference } = await engine.end(
      store.reference(`list@${list.digest}`),
      "source",
    );
    const signal = new AbortController().signal;
    await using source = await transport.openSource(reference, { signal });
    assert.equal((await source.readManifest("top", { signal })).digest, list.digest);
    await assert.rejects(source.readManifest(manifests[1].digest, { signal }), {
      code: "transport.unreadable",
    });
  },
  "overlay",
);

storeTest(
  "schema 1 stays as it is, and comes out with plain layers",
  async ({ engine, store, folder, ...scene }) => {
    const image = makeSchema1("other/name", "tag", { seed: 9 });
    await writeSchema1(folder.in("schema1"), image);
    await engine.copy(`dir:${folder.in("schema1")}`, store.reference("schema1:1"));
    const record = await (await store.open()).findImage("docker.io/library/schema1:1");
    assert.equal(record?.digest, image.digest);
    assert.equal(record.dataDigests.get("manifest"), image.digest);
    const { fsLayers } = JSON.parse(
      await readFile(`${await scene.out("schema1:1")}/manifest.json`, "utf8"),
    );
    const layers = fsLayers.map(({ blobSum }: Json) => blobSum);
    assert.deepEqual(layers.toReversed(), plainDigests(image));
  },
  "overlay",
);

async function writeSchema1(folder: string, image: TestImage): Promise<void> {
  await mkdir(folder);
  await writeFile(`${folder}/version`, "Directory Transport Version: 1.1\n");
  await writeFile(`${folder}/manifest.json`, image.bytes);
  for (const [digest, bytes] of image.blobs)
    await writeFile(`${folder}/${hexOf(digest as Digest)}`, bytes);
}

/** The ends of messages are skopeo 1.22's. */
const refused: Readonly<Record<string, readonly [image: TestImage, message: RegExp]>> = {
  "another DiffID": [
    changed(makeImage({ type: "oci", seed: 10 }), ({ rootfs }) => {
      rootfs.diff_ids[1] = digestOf(Buffer.from("x"));
    }),
    /^layer 1 \(blob "sha256:[0-9a-f]{64}"\/""\/"sha256:[0-9a-f]{64}"\) does not match config's DiffID "sha256:[0-9a-f]{64}"$/,
  ],
  "no DiffID": [
    changed(makeImage({ type: "oci", seed: 11 }), ({ rootfs }) => {
      rootfs.diff_ids[0] = "nonsense";
    }),
    /^layer 0 \(blob .*\) does not match config's DiffID "nonsense"$/,
  ],
  "too few DiffIDs": [
    changed(makeImage({ type: "oci", seed: 12 }), ({ rootfs }) => rootfs.diff_ids.pop()),
    /^image config has only 2 DiffID values, but a layer with index 2 exists$/,
  ],
  artifact: [
    makeArtifact("application/x.test", Buffer.from("hi")),
    /^parsing image configuration: unsupported image-specific operation on artifact with type "application\/x.test"$/,
  ],
};

storeTest(
  "what cannot be an image is refused, and its good layers stay",
  async ({ engine, store, layout }) => {
    for (const [name, [image, message]] of Object.entries(refused)) {
      const copying = engine.copy(
        await layout(name.replaceAll(" ", ""), image),
        store.reference("no:1"),
      );
      await assert.rejects(copying, (error) => message.test(deepest(error).message), name);
      assert.deepEqual(await (await store.open()).images(), []);
    }
    assert.deepEqual(await stagedIn(store), []);
  },
);

function deepest(error: unknown): Error {
  assert.ok(error instanceof KnownError);
  let at: Error = error;
  while (at.cause instanceof KnownError) at = at.cause;
  return at;
}

/** What is left in the folders that layers are unpacked in. */
async function stagedIn({ root, driver }: ImageStore): Promise<readonly string[]> {
  const found = [`${root}/${driver}/tempdirs`, `${root}/${driver}-layers/tmp`].map((folder) =>
    readdir(folder).catch(() => []),
  );
  return (await Promise.all(found)).flat();
}

storeTest("a copy that was called off goes on from the layers that came", async (scene) => {
  const { engine, store } = scene;
  await using registry = await startRegistry();
  const image = makeImage({ type: "oci", seed: 13, layers: 4 });
  registry.seed("x", "1", image);
  const last = image.layers[3]?.digest ?? "";
  registry.behave({ on: ({ reference }) => reference === last, fault: hang() });
  const source = `docker://${registry.host}/x:1`;
  const calledOff = new AbortController();
  const { signal } = calledOff;
  const copying = assert.rejects(engine.copy(source, store.reference("x:1"), { signal }));
  while (blobs(engine, "blob-copied") < 3) await setTimeout(10);
  calledOff.abort(new Error("called off"));
  await copying;
  assert.equal((await (await store.open()).layers()).length, 3);
  assert.deepEqual(await stagedIn(store), []);
  registry.behaveWell();
  await engine.copy(source, store.reference("x:1"));
  assert.equal(blobs(engine, "blob-adopted"), 3);
  assert.deepEqual(await layersIn(await scene.out("x:1")), plainDigests(image));
});

function blobs({ events }: Engine, kind: "blob-copied" | "blob-adopted"): number {
  return events.filter(({ type }) => type === kind).length;
}

storeTest(
  "a name goes over to the newest image, and a digest's name finds none of another repository",
  async ({ engine, store, layout }) => {
    const [a, b] = [
      makeImage({ type: "oci", layers: 1, seed: 14 }),
      makeImage({ type: "oci", layers: 1, seed: 15 }),
    ];
    await engine.copy(await layout("a", a), store.reference("example.org/x:1"));
    await engine.copy(await layout("a", a), store.reference("example.org/x:2"));
    await engine.copy(await layout("b", b), store.reference("example.org/x:1"));
    const opened = await store.open();
    assert.deepEqual((await opened.findImage(hexOf(a.config?.digest as Digest)))?.names, [
      "example.org/x:2",
    ]);
    assert.deepEqual((await opened.findImage(hexOf(b.config?.digest as Digest)))?.names, [
      "example.org/x:1",
    ]);
    const other = store.reference(`example.org/y@${a.digest}`);
    await assert.rejects(engine.copy(other, "dir:/nowhere"), { code: "copy.source-failed" });
  },
  "overlay",
);

storeTest(
  "an image that is there is told, but not where the list it is chosen from is new",
  async ({ engine, store }) => {
    const platform = { os: "linux", architecture: "amd64" };
    const list = makeMultiArch({ type: "oci", seed: 16 });
    const alone = makeImage({ type: "oci", seed: 160, layers: 1, platform });
    await using registry = await startRegistry();
    registry.seed("x", "alone", alone);
    registry.seed("x", "list", list);
    const [first, second] = ["alone", "list"].map((tag) => `docker://${registry.host}/x:${tag}`);
    const isTold = () => engine.events.splice(0).some(({ type }) => type === "already-there");
    const told: boolean[] = [];
    for (const source of [first, first, second, second, first]) {
      await engine.copy(source ?? "", store.reference("list:1"));
      told.push(isTold());
    }
    assert.deepEqual(told, [false, true, false, true, true]);
    const record = await (await store.open()).findImage("docker.io/library/list:1");
    assert.ok(record?.dataNames.includes(`manifest-${list.digest}`));
  },
  "overlay",
);

storeTest(
  "signatures of both kinds are kept, merged, given back, and changed in place",
  async ({ engine, store, folder, layout, out }) => {
    await engine.copy(
      await layout("none", images["none"] as TestImage),
      `dir:${folder.in("signed")}`,
    );
    const simple = Buffer.from("\x88 not looked into", "latin1");
    const sigstore = Buffer.from(
      '\0sigstore-json\n{"mimeType":"application/vnd.dev.cosign.simplesigning.v1+json","payload":"aGk=","annotations":{"a":"b"}}',
    );
    await writeFile(folder.in("signed", "signature-1"), simple);
    await engine.copy(`dir:${folder.in("signed")}`, store.reference("signed:1"));
    await writeFile(folder.in("signed", "signature-2"), sigstore);
    for (const name of ["signed:1", "signed:2"]) {
      await engine.copy(`dir:${folder.in("signed")}`, store.reference(name));
    }
    await engine.copy(store.reference("signed:2"), `dir:${folder.in("back")}`);
    const files = (await readdir(folder.in("back"))).filter((name) => name.startsWith("signature"));
    assert.deepEqual(files, ["signature-1", "signature-2"]);
    assert.deepEqual(await readFile(folder.in("back", "signature-1")), simple);
    assert.deepEqual(await readFile(folder.in("back", "signature-2")), sigstore);
    await out("signed:1");

    const signal = new AbortController().signal;
    const { transport, reference } = await engine.end(store.reference("signed:1"), "source");
    const places = await transport.signaturePlaces?.(reference, "write", { signal });
    const [place] = places ?? assert.fail();
    const manifest = images["none"]?.digest as Digest;
    const [first, second] = (await place?.read(manifest, { signal })) ?? [];
    await place?.remove?.(manifest, 0, { signal });
    assert.deepEqual(await place?.read(manifest, { signal }), [second]);
    await place?.append(manifest, [second, first] as UntrustedSignature[], { signal });
    assert.deepEqual(await place?.read(manifest, { signal }), [second, first]);
    const absent = place?.append(digestOf(Buffer.from("x")), [], { signal });
    await assert.rejects(absent ?? assert.fail(), { code: "transport.image-not-found" });
  },
  "overlay",
);

storeTest(
  "an image goes with all its names and layers, or with one name only",
  async ({ engine, store, layout }) => {
    const image = await layout("image", makeImage({ type: "oci", layers: 1, seed: 17 }));
    for (const name of ["x:1", "x:2"]) await engine.copy(image, store.reference(name));
    const signal = new AbortController().signal;
    const { transport, reference } = await engine.end(store.reference("x:1"), "source");
    await transport.deleteTag?.(reference, { signal });
    await assert.rejects(transport.deleteImage?.(reference, { signal }) ?? assert.fail(), {
      code: "transport.image-not-found",
    });
    const other = await engine.end(store.reference("x:2"), "source");
    await transport.deleteImage?.(other.reference, { signal });
    const opened = await store.open();
    assert.deepEqual([await opened.images(), await opened.layers()], [[], []]);
  },
);

storeTest(
  "a blob that is not what it is called becomes no layer",
  async ({ engine, store, layout, folder }) => {
    const [image, other] = [20, 21].map((seed) => makeImage({ type: "oci", layers: 1, seed }));
    const source = await layout("image", image as TestImage);
    const [blob, wrong] = [image?.layers[0]?.digest, other?.layers[0]?.digest];
    const path = folder.in("image", "blobs/sha256", hexOf(blob as Digest));
    await writeFile(path, other?.blobs.get(wrong as Digest) ?? "");
    await assert.rejects(engine.copy(source, store.reference("x:1")), {
      code: "copy.source-failed",
    });
    const opened = await store.open();
    assert.deepEqual([await opened.images(), await opened.layers()], [[], []]);
    assert.deepEqual(await stagedIn(store), []);
  },
  "overlay",
);

storeTest(
  "a changed file in a layer's tree is told, and nothing wrong comes out",
  async ({ engine, store, folder, layout }) => {
    const image = makeImage({ type: "oci", seed: 18, layers: 1 });
    await engine.copy(await layout("image", image), store.reference("x:1"));
    const opened = await store.open();
    const [layer] = await opened.layers();
    assert.ok(layer);
    const [tree = ""] = await opened.treeFolders(layer);
    await writeFile(`${tree}/file-18000`, Buffer.alloc(2000));
    await assert.rejects(
      engine.copy(store.reference("x:1"), `dir:${folder.in("out")}`),
      (error) => {
        return deepest(error).message.includes('file "file-18000": it has another content');
      },
    );
  },
  "overlay",
);
