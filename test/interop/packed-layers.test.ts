import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { readArchiveIndex } from "../../src/stream/tar/archive-index.ts";
import { createDockerArchiveTransport } from "../../src/transport/docker-archive/transport.ts";
import { createOciArchiveTransport } from "../../src/transport/oci-archive/transport.ts";
import { layer, packedFile } from "../stream/packed.ts";
import { plainBlock, xzStream } from "../stream/xz/xz-stream.ts";
import { layoutMembers, tarWith } from "../support/archives.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { memoryFile } from "../support/memory-sink.ts";
import { imageOfTars } from "../support/odd-layers.ts";
import { skipWithout } from "../support/peers.ts";
import { skopeo } from "../support/skopeo.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const needed = { skip: skipWithout("skopeo"), timeout: 300_000 };

const signal = new AbortController().signal;

function engine(): Engine {
  return new Engine({
    moreTransports: [createDockerArchiveTransport(), createOciArchiveTransport({ clock: () => 0 })],
  });
}

/** An image whose layers are these files, whatever its manifest says of them. */
function imageOf(...names: readonly string[]) {
  const files = names.map(packedFile);
  return imageOfTars(
    names.map(() => layer),
    "oci",
    () => files.shift() ?? layer,
  );
}

/** All the files of a folder, by their digests. */
async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).sort();
  const digest = async (name: string) => digestOf(await readFile(`${folder}/${name}`));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await digest(name)] as const)),
  );
}

async function theirs(folder: TempFolder, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await skopeo(["copy", "-q", ...args], { cwd: folder.path });
  assert.equal(exitCode, 0, stderr);
}

test("layers packed by bzip2 and xz become what skopeo makes of them", needed, async () => {
  await using folder = await tempFolder();
  await using our = engine();
  const image = imageOf(
    "layer.bz2",
    "layer-streams.bz2",
    "layer.xz",
    "layer-crc32.xz",
    "layer-sha256.xz",
    "layer-streams.xz",
    "layer-1gib.xz",
  );
  await writeLayoutFolder(folder.in("source"), image);
  const source = `oci:${folder.in("source")}:latest`;
  for (const [name, format, manifestType] of [
    ["as-is", "oci", mediaTypes.ociManifest],
    ["docker", "v2s2", mediaTypes.dockerManifest],
  ] as const) {
    await theirs(folder, "--format", format, source, `dir:their-${name}`);
    await our.copy(source, `dir:${folder.in(`our-${name}`)}`, { manifestType });
    assert.deepEqual(
      await filesIn(folder.in(`our-${name}`)),
      await filesIn(folder.in(`their-${name}`)),
    );
  }
  await theirs(folder, source, "docker-archive:theirs.tar:example.test/a:b");
  await our.copy(source, `docker-archive:${folder.in("ours.tar")}:example.test/a:b`);
  assert.deepEqual(await filesOf(folder.in("ours.tar")), await filesOf(folder.in("theirs.tar")));
  // Packed anew, all that stays is what it unpacks to.
  await our.copy(source, `oci:${folder.in("zstd")}:latest`, {
    compression: { format: "zstd", force: true },
  });
  await our.copy(`oci:${folder.in("zstd")}:latest`, `docker-archive:${folder.in("back.tar")}:a:b`);
  const { "manifest.json": _, ...back } = await filesOf(folder.in("back.tar"));
  const { "manifest.json": __, ...expected } = await filesOf(folder.in("theirs.tar"));
  assert.deepEqual(layersOf(back), layersOf(expected));
});

/** The files of an archive, by the digests of what is in them. */
async function filesOf(path: string): Promise<Readonly<Record<string, string>>> {
  const bytes = await readFile(path);
  const index = await readArchiveIndex(memoryFile(bytes), { signal });
  const files = index.entries.filter(({ kind }) => kind === "file");
  return Object.fromEntries(
    files.map(({ name, offset, size }) => [name, digestOf(bytes.subarray(offset, offset + size))]),
  );
}

function layersOf(files: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(files).filter((name) => /^[0-9a-f]{64}\.tar$/.test(name));
}

test("both refuse layers that are broken, and write nothing", needed, async () => {
  await using folder = await tempFolder();
  await using our = engine();
  for (const [name, pack] of [
    ["x86", () => packedFile("layer-x86.xz")],
    ["cut-xz", () => packedFile("layer.xz").subarray(0, -100)],
    ["cut-bzip2", () => packedFile("layer.bz2").subarray(0, -100)],
    ["more", () => Buffer.concat([packedFile("layer.bz2"), Buffer.from("more")])],
  ] as const) {
    await writeLayoutFolder(folder.in(name), imageOfTars([layer], "oci", pack));
    const source = `oci:${folder.in(name)}:latest`;
    const copying = our.copy(source, `docker-archive:${folder.in("ours.tar")}`);
    await assert.rejects(copying, { code: "copy.source-failed" });
    const { exitCode } = await skopeo(["copy", source, "docker-archive:theirs.tar"], {
      cwd: folder.path,
    });
    assert.equal(exitCode, 1, name);
  }
  assert.equal((await readdir(folder.path)).includes("ours.tar"), false);
});

/** A real xz, if not a small one: Node packs none. */
function asXz(bytes: Buffer): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes.byteLength / 65_536) }, (_, at) =>
    plainBlock(bytes.subarray(at * 65_536, (at + 1) * 65_536)),
  );
  return xzStream(blocks);
}

test("archives packed by xz as a whole are read as skopeo reads them", needed, async () => {
  await using folder = await tempFolder();
  await using our = engine();
  const image = makeImage({ seed: 161, type: "oci", layerBytes: 90_000 });
  const { index, marker, blobs, manifests } = layoutMembers({ v1: image });
  const layout = tarWith(...blobs, ...manifests, index, marker);
  await writeFile(folder.in("oci-archive.xz"), asXz(layout));
  await writeLayoutFolder(folder.in("source"), image);
  await our.copy(`oci:${folder.in("source")}:latest`, `docker-archive:${folder.in("plain")}:a:b`);
  await writeFile(folder.in("docker-archive.xz"), asXz(await readFile(folder.in("plain"))));
  for (const kind of ["oci-archive", "docker-archive"]) {
    const source = `${kind}:${folder.in(`${kind}.xz`)}`;
    await theirs(folder, source, `dir:their-${kind}`);
    await our.copy(source, `dir:${folder.in(`our-${kind}`)}`);
    assert.deepEqual(
      await filesIn(folder.in(`our-${kind}`)),
      await filesIn(folder.in(`their-${kind}`)),
    );
  }
});
