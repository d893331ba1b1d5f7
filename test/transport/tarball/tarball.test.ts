import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { access, readdir, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { readBounded } from "../../../src/stream/bounded.ts";
import type { ImageSource } from "../../../src/transport/contract/image-source.ts";
import type { Transport } from "../../../src/transport/contract/transport.ts";
import { createTarballTransport } from "../../../src/transport/tarball/transport.ts";
import { randomBytesOf } from "../../support/random.ts";
import { tarOf } from "../../support/tar.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const exec = promisify(execFile);
const { signal } = new AbortController();
const tar = tarOf([{ name: "file", bytes: randomBytesOf(3, 700_000) }]);
const diffId = digestOf(tar);

function transportWith(spoolFolder?: string): Transport {
  return createTarballTransport({
    platform: () => ({ architecture: "amd64", os: "linux" }),
    clock: () => 1_700_000_000_123,
    ...(spoolFolder !== undefined && { spoolFolder }),
  });
}

async function open(text: string, transport = transportWith()): Promise<ImageSource> {
  const reference = await transport.resolve(text, "source", { signal });
  return await transport.openSource(reference, { signal });
}

/** A file, and when it was changed last: to the nanosecond, which only touch(1) can do. */
async function put(folder: TempFolder, name: string, bytes: Uint8Array, mtime = "2020-01-01Z") {
  await writeFile(folder.in(name), bytes);
  await exec("touch", ["-d", mtime, folder.in(name)]);
  return folder.in(name);
}

async function partsOf(source: ImageSource) {
  const { bytes } = await source.readManifest("top", { signal });
  const manifest = Buffer.from(bytes).toString();
  const { config } = JSON.parse(manifest);
  await using blob = await source.openBlob(config, { signal });
  const read = await readBounded(blob, 100_000, "config");
  return { manifest, config: Buffer.from(read).toString(), parsed: JSON.parse(manifest) };
}

test("the image of two tars is skopeo's, byte for byte", async () => {
  await using folder = await tempFolder();
  const gzipped = gzipSync(tar);
  const first = await put(folder, "a.tar", tar, "2020-01-02T03:04:05.678Z");
  const second = await put(folder, "b.tar.gz", gzipped, "2021-01-02T03:04:05Z");
  await using source = await open(`${first}:${second}`);
  const { manifest, config } = await partsOf(source);
  const added = `/bin/sh -c #(nop) ADD file:${hexOf(diffId)} in /`;
  const step = (created: string) =>
    `{"created":"${created}","created_by":"${added}","comment":"imported from tarball"}`;
  assert.equal(
    config,
    `{"created":"2021-01-02T03:04:05Z","architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["${diffId}","${diffId}"]},"history":[${step("2020-01-02T03:04:05.678Z")},${step("2021-01-02T03:04:05Z")}]}`,
  );
  const described = (type: string, bytes: Uint8Array | string) => {
    const content = Buffer.from(bytes);
    return `{"mediaType":"${type}","digest":"${digestOf(content)}","size":${content.byteLength}}`;
  };
  assert.equal(
    manifest,
    `{"schemaVersion":2,"mediaType":"${mediaTypes.ociManifest}","config":${described(mediaTypes.ociConfig, config)},"layers":[${described(mediaTypes.ociLayer, tar)},${described(mediaTypes.ociLayerGzip, gzipped)}]}`,
  );
});

test("times before 1970 and nanoseconds are written as Go does", async () => {
  await using folder = await tempFolder();
  for (const [mtime, created] of [
    ["1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58.5Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"],
    ["2020-01-02T05:04:05.000000009+02", "2020-01-02T03:04:05.000000009Z"],
  ] as const) {
    await using source = await open(await put(folder, "a.tar", tar, mtime));
    assert.equal(JSON.parse((await partsOf(source)).config).created, created);
  }
});

test("layers are the files as they are, plain, gzip or zstd, the same one twice", async () => {
  await using folder = await tempFolder();
  const files = { "a.tar": tar, "b.gz": gzipSync(tar), "c.zst": zstdCompressSync(tar) };
  for (const [name, bytes] of Object.entries(files)) await put(folder, name, bytes);
  const names = ["a.tar", "b.gz", "c.zst", "a.tar"];
  await using source = await open(names.map((name) => folder.in(name)).join(":"));
  const { parsed, config } = await partsOf(source);
  assert.deepEqual(
    parsed.layers.map((each: { mediaType: string }) => each.mediaType),
    [mediaTypes.ociLayer, mediaTypes.ociLayerGzip, mediaTypes.ociLayerZstd, mediaTypes.ociLayer],
  );
  assert.deepEqual(JSON.parse(config).rootfs.diff_ids, [diffId, diffId, diffId, diffId]);
  for (const [at, bytes] of [...Object.values(files), tar].entries()) {
    await using blob = await source.openBlob(parsed.layers[at], { signal });
    assert.ok(Buffer.from(bytes).equals(await readBounded(blob, 1_000_000, "layer")));
  }
});

test("what comes through a pipe is held, or put aside where --tmpdir says", async () => {
  for (const isAside of [false, true]) {
    await using folder = await tempFolder();
    await using aside = await tempFolder();
    await exec("mkfifo", [folder.in("pipe")]);
    await put(folder, "a.tar", tar);
    const feeding = pipeline(
      createReadStream(folder.in("a.tar")),
      createWriteStream(folder.in("pipe")),
    );
    const transport = transportWith(isAside ? aside.path : undefined);
    await using source = await open(folder.in("pipe"), transport);
    await feeding;
    assert.deepEqual(await readdir(aside.path), []);
    const { parsed, config } = await partsOf(source);
    assert.equal(JSON.parse(config).created, "2023-11-14T22:13:20.123Z");
    for (let time = 0; time < 2; time++) {
      await using blob = await source.openBlob(parsed.layers[0], { signal });
      assert.ok(tar.equals(await readBounded(blob, 1_000_000, "layer")));
    }
  }
});

test("what cannot be read is told in skopeo's words", async () => {
  await using folder = await tempFolder();
  const nowhere = folder.in("nowhere.tar");
  await assert.rejects(open(nowhere), {
    code: "usage.bad-reference",
    message: `error opening "${nowhere}": open ${nowhere}: no such file or directory`,
  });
  await assert.rejects(open(`${folder.path}:`), {
    code: "usage.bad-reference",
    message: 'error opening "": open : no such file or directory',
  });
  await assert.rejects(open(folder.path), {
    code: "layout.unreadable",
    message: `read ${folder.path}: is a directory`,
  });
  for (const [bytes, code] of [
    [gzipSync(tar).subarray(0, 1000), "layout.invalid"],
    [Buffer.from("fd377a585a0000", "hex"), "layout.invalid"],
  ] as const) {
    await put(folder, "bad", bytes);
    await assert.rejects(open(folder.in("bad")), { code, message: /^error reading ".*bad": / });
  }
});

test("nothing is written to, and deleting takes the files", async () => {
  await using folder = await tempFolder();
  const path = await put(folder, "a.tar", tar);
  const transport = transportWith();
  const reference = await transport.resolve(path, "destination", { signal });
  await assert.rejects(transport.openDestination(reference, { signal }), {
    code: "transport.unsupported",
    message: '"tarball:" locations can only be read from, not written to',
  });
  await transport.deleteImage?.(reference, { signal });
  await assert.rejects(access(path), { code: "ENOENT" });
  await transport.deleteImage?.(reference, { signal });
});

test("there is one manifest, and no blob but its own", async () => {
  await using folder = await tempFolder();
  await using source = await open(await put(folder, "a.tar", tar));
  await assert.rejects(source.readManifest(diffId, { signal }), { code: "transport.unsupported" });
  const blob = { mediaType: "x/y", digest: digestOf(Buffer.from("none")), size: 4 };
  await assert.rejects(source.openBlob(blob, { signal }), { code: "transport.blob-not-found" });
});
