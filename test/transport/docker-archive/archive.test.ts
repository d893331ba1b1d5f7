import assert from "node:assert/strict";
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { parseDockerReference } from "../../../src/core/docker-reference.ts";
import { readArchiveIndex } from "../../../src/stream/tar/archive-index.ts";
import {
  createDockerArchiveTransport,
  openSharedArchive,
} from "../../../src/transport/docker-archive/transport.ts";
import { Engine } from "../../support/engine.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage, makeMultiArch, type TestImage } from "../../support/images.ts";
import { memoryFile } from "../../support/memory-sink.ts";
import { run } from "../../support/run.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const signal = new AbortController().signal;
const transport = createDockerArchiveTransport();

async function copyInto(folder: TempFolder, image: TestImage, to: string, options = {}) {
  await writeImageFolder(folder.in("source"), image);
  await using engine = new Engine({ moreTransports: [createDockerArchiveTransport(options)] });
  return await engine.copy(`dir:${folder.in("source")}`, `docker-archive:${to}`);
}

/** What skopeo 1.22 makes of the same images, byte for byte. */
const skopeos = [
  ["", "341559f9709924f25f5aeb6e8519d97a7e55d00fa33e8d169d81a155d16156ca"],
  [":example.com/x/d1:v1", "5bb14872a87e2898d6dd3c84744ea5909222bc0d085e2282ea09b5b8ec551472"],
] as const;

test("an archive is skopeo's, byte for byte", async () => {
  for (const [name, sha256] of skopeos) {
    await using folder = await tempFolder();
    await copyInto(folder, makeImage(), `${folder.in("a.tar")}${name}`);
    assert.equal(digestOf(await readFile(folder.in("a.tar"))), `sha256:${sha256}`);
    assert.deepEqual((await readdir(folder.path)).sort(), ["a.tar", "source"]);
  }
});

test("an image comes back with its config and its layers, plain", async () => {
  for (const recipe of [
    {},
    { compression: "none" },
    { type: "oci", compression: "zstd" },
  ] as const) {
    await using folder = await tempFolder();
    const image = makeImage(recipe);
    await copyInto(folder, image, folder.in("a.tar"));
    await using engine = new Engine({ moreTransports: [transport] });
    await engine.copy(`docker-archive:${folder.in("a.tar")}`, `dir:${folder.in("back")}`);
    const manifest = JSON.parse(await readFile(folder.in("back", "manifest.json"), "utf8"));
    const config = image.blobs.get(image.config?.digest ?? "");
    assert.ok(config);
    assert.equal(manifest.config.digest, digestOf(config));
    const { rootfs } = JSON.parse(Buffer.from(config).toString());
    assert.deepEqual(
      manifest.layers.map((layer: { digest: string }) => layer.digest),
      rootfs.diff_ids,
    );
  }
});

test("a file that is there is refused, but an empty one is filled", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("full"), "x");
  await assert.rejects(copyInto(folder, makeImage(), folder.in("full")), {
    message: /: docker-archive doesn't support modifying existing images$/,
  });
  assert.equal(await readFile(folder.in("full"), "utf8"), "x");
  await writeFile(folder.in("empty"), "", { mode: 0o600 });
  const before = await stat(folder.in("empty"));
  await copyInto(folder, makeImage(), folder.in("empty"));
  const after = await stat(folder.in("empty"));
  assert.deepEqual([after.ino, after.mode], [before.ino, before.mode]);
  assert.ok(after.size > 10_000);
});

test("a link that leads nowhere yet is followed", async () => {
  await using folder = await tempFolder();
  await symlink("target.tar", folder.in("link"));
  await copyInto(folder, makeImage(), folder.in("link"));
  assert.ok((await stat(folder.in("target.tar"))).isFile());
});

test("a copy that fails leaves nothing, and what was empty empty", async () => {
  await using folder = await tempFolder();
  const image = makeImage();
  const [blob] = image.layers;
  assert.ok(blob);
  const broken = new Map(image.blobs).set(blob.digest, Buffer.from("broken"));
  await writeFile(folder.in("empty"), "");
  for (const name of ["new", "empty"]) {
    await assert.rejects(copyInto(folder, { ...image, blobs: broken }, folder.in(name)));
  }
  assert.deepEqual((await readdir(folder.path)).sort(), ["empty", "source"]);
  assert.equal((await stat(folder.in("empty"))).size, 0);
});

test("lists, positions and other manifests are refused", async () => {
  await using folder = await tempFolder();
  await assert.rejects(copyInto(folder, makeImage(), `${folder.in("a")}:@0`), {
    message: /Destination reference must not contain a manifest index @0$/,
  });
  await writeImageFolder(folder.in("source"), makeMultiArch());
  await using engine = new Engine({ moreTransports: [transport] });
  await assert.rejects(
    engine.copy(`dir:${folder.in("source")}`, `docker-archive:${folder.in("a")}`, {
      select: { type: "all" },
    }),
    { message: /"docker-archive" does not support copying multiple images as a group/ },
  );
  await writeImageFolder(folder.in("one"), makeImage());
  await assert.rejects(
    engine.copy(`dir:${folder.in("one")}`, `docker-archive:${folder.in("a")}`, {
      manifestType: "application/vnd.oci.image.manifest.v1+json",
    }),
    { message: "writing manifest: Unsupported manifest type, need a Docker schema 2 manifest" },
  );
  assert.deepEqual((await readdir(folder.path)).sort(), ["one", "source"]);
});

test("more names are written, each once", async () => {
  await using folder = await tempFolder();
  const names = ["busybox:x", "example.com/x/d1:v1"].map(parseDockerReference);
  const to = `${folder.in("a.tar")}:example.com/x/d1:v1`;
  await copyInto(folder, makeImage(), to, { additionalNames: names });
  const reference = await transport.resolve(folder.in("a.tar"), "source", { signal });
  assert.deepEqual(await transport.listTags?.(reference, { signal }), [
    "example.com/x/d1:v1",
    "docker.io/library/busybox:x",
  ]);
});

test("several images share an archive and the layers they have in common", async () => {
  await using folder = await tempFolder();
  const images = [makeImage({ seed: 1, layers: 1 }), makeImage({ seed: 1, layers: 3 })] as const;
  const reference = await transport.resolve(folder.in("a.tar"), "destination", { signal });
  {
    await using archive = await openSharedArchive(reference, { signal });
    for (const [index, image] of [...images, images[0]].entries()) {
      await writeImageFolder(folder.in("source"), image);
      const shared = {
        ...createDockerArchiveTransport(),
        openDestination: async () => archive.openDestination(parseDockerReference(`n:${index}`)),
      };
      await using engine = new Engine({ moreTransports: [shared] });
      await engine.copy(`dir:${folder.in("source")}`, `docker-archive:${folder.in("a.tar")}`);
    }
    assert.deepEqual(await transportNames(folder), ["source"]);
    await archive.finish();
  }
  assert.deepEqual(await transport.listTags?.(reference, { signal }), [
    "docker.io/library/n:0",
    "docker.io/library/n:2",
    "docker.io/library/n:1",
  ]);
  const file = memoryFile(await readFile(folder.in("a.tar")));
  const { entries } = await readArchiveIndex(file, { signal });
  const names = entries.map(({ name }) => name);
  assert.equal(names.filter((name) => /^[^/]*\.tar$/.test(name)).length, 3);
  assert.equal(new Set(names).size, names.length);
});

test("waiting for a pipe that nobody writes to can be called off", async () => {
  await using folder = await tempFolder();
  assert.equal((await run("mkfifo", [folder.in("pipe")])).exitCode, 0);
  const stop = new AbortController();
  const reason = new Error("enough");
  const reference = await transport.resolve(folder.in("pipe"), "source", { signal });
  const opening = transport.openSource(reference, { signal: stop.signal });
  setImmediate(() => stop.abort(reason));
  await assert.rejects(opening, (error) => error === reason);
});

async function transportNames(folder: TempFolder): Promise<readonly string[]> {
  return (await readdir(folder.path)).filter((name) => !name.startsWith(".")).sort();
}
