import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { Digest } from "../../../src/core/digest.ts";
import { readBounded } from "../../../src/stream/bounded.ts";
import type { ImageSource } from "../../../src/transport/contract/image-source.ts";
import type { OpenImages } from "../../../src/transport/contract/transport.ts";
import { createOciArchiveTransport } from "../../../src/transport/oci-archive/transport.ts";
import { blobName, layoutMembers, type Member, tarWith } from "../../support/archives.ts";
import { makeImage, makeMultiArch, type TestImage } from "../../support/images.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const exec = promisify(execFile);
const { signal } = new AbortController();
const image = makeImage({ type: "oci", seed: 1, layerBytes: 100_000 });
const other = makeImage({ type: "oci", seed: 2, layerBytes: 100_000 });

async function openAt(text: string, spoolFolder?: string): Promise<ImageSource> {
  const transport = createOciArchiveTransport({
    clock: () => 0,
    ...(spoolFolder !== undefined && { spoolFolder }),
  });
  return await transport.openSource(await transport.resolve(text, "source", { signal }), {
    signal,
  });
}

/** All of it is there, asked for in the order that the source wants. */
async function assertGives(source: ImageSource, expected: TestImage): Promise<void> {
  assert.equal((await source.readManifest("top", { signal })).digest, expected.digest);
  const { config, layers } = expected;
  assert.ok(config);
  const wanted = [...layers, config];
  const order = source.blobOrder.length > 0 ? source.blobOrder : wanted.map((each) => each.digest);
  for (const digest of order) {
    const blob = wanted.find((each) => each.digest === digest);
    if (!blob) continue;
    await using stream = await source.openBlob(blob, { signal });
    const bytes = await readBounded(stream, blob.size, "blob");
    assert.ok(Buffer.from(bytes).equals(Buffer.from(expected.blobs.get(digest) ?? [])));
  }
}

async function written(folder: TempFolder, ...members: readonly Member[]): Promise<string> {
  const path = folder.in("archive.tar");
  await writeFile(path, tarWith(...members));
  return path;
}

/** What `feed` writes comes out of a named pipe. */
async function piped<T>(
  folder: TempFolder,
  bytes: Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = folder.in("pipe");
  await exec("mkfifo", [path]);
  await writeFile(folder.in("piped"), bytes);
  const feeding = pipeline(createReadStream(folder.in("piped")), createWriteStream(path)).catch(
    () => {}, // the reader may have had enough
  );
  try {
    return await use(path);
  } finally {
    await feeding;
  }
}

test("an image is found by name, by position, or as the only one", async () => {
  await using folder = await tempFolder();
  const { index, marker, manifests, blobs } = layoutMembers({ one: image, two: other });
  const path = await written(folder, ...blobs, ...manifests, index, marker);
  for (const [text, expected] of [
    ["one", image],
    ["two", other],
    ["@0", image],
    ["@1", other],
  ] as const) {
    await using source = await openAt(`${path}:${text}`);
    await assertGives(source, expected);
  }
  await assert.rejects(openAt(path), { code: "layout.unsupported" });
  await assert.rejects(openAt(`${path}:three`), { code: "transport.image-not-found" });
  await assert.rejects(openAt(`${path}:@2`), { code: "layout.unsupported" });
  await assert.rejects(openAt(`${path}:a~b`), { code: "usage.bad-reference" });
});

test("openImages() gives all the images with their names", async () => {
  await using folder = await tempFolder();
  const { index, marker, manifests, blobs } = layoutMembers({ one: image, "": other });
  const path = await written(folder, ...blobs, ...manifests, index, marker);
  const transport = createOciArchiveTransport({ clock: () => 0 });
  const reference = await transport.resolve(path, "source", { signal });
  await using open = await transport.openImages?.(reference, { signal });
  assert.ok(open);
  assert.deepEqual(
    open.images.map(({ names }) => names),
    [["one"], []],
  );
  for (const [position, expected] of [image, other].entries()) {
    const held: OpenImages["images"][number] | undefined = open.images[position];
    assert.ok(held);
    await using source = await held.openSource({ signal });
    await assertGives(source, expected);
  }
});

test("members may be anywhere, twice, hidden behind ./ and behind links", async () => {
  await using folder = await tempFolder();
  const { index, marker, manifests, blobs } = layoutMembers({ name: image });
  const [layer] = image.layers;
  assert.ok(layer);
  const real = blobName(layer.digest);
  const moved = blobs.map((each) => (each.name === real ? { ...each, name: "elsewhere" } : each));
  const table: readonly (readonly Member[])[] = [
    [index, marker, ...manifests, ...blobs],
    [{ ...index, bytes: Buffer.from("{") }, ...blobs, ...manifests, index],
    [index, ...manifests, ...blobs].map((each) => ({ ...each, name: `./${each.name}` })),
    [index, ...manifests, ...blobs].map((each) => ({ ...each, name: `/${each.name}` })),
    [...moved, { name: real, type: "1", linkName: "elsewhere" }, ...manifests, index],
    [{ name: real, type: "2", linkName: "../../elsewhere" }, ...moved, ...manifests, index],
  ];
  for (const members of table) {
    await using source = await openAt(`${await written(folder, ...members)}:name`);
    await assertGives(source, image);
  }
});

test("what leads out of the archive is not there, and what is hostile is refused", async () => {
  await using folder = await tempFolder();
  const { index, manifests, blobs } = layoutMembers({ name: image });
  const [first, ...rest] = blobs;
  assert.ok(first);
  await writeFile(folder.in("secret"), first.bytes ?? "");
  const out = { name: first.name, type: "2", linkName: "../../../secret" };
  const absolute = { ...out, linkName: folder.in("secret") };
  for (const link of [out, absolute, { ...first, name: `../${first.name}` }]) {
    const path = await written(folder, link, ...rest, ...manifests, index);
    await using source = await openAt(`${path}:name`);
    await assert.rejects(assertGives(source, image), { code: "transport.blob-not-found" });
  }
  const lies = { ...first, bytes: Buffer.from(first.bytes ?? "").fill(7) };
  await using source = await openAt(`${await written(folder, lies, ...rest, ...manifests, index)}`);
  await assert.rejects(assertGives(source, image), { code: "content.digest-mismatch" });
  const short = { ...first, bytes: Buffer.from("short") };
  await using another = await openAt(await written(folder, short, ...rest, ...manifests, index));
  await assert.rejects(assertGives(another, image), { code: "content.size-mismatch" });
});

test("what is no archive of a layout is refused", async () => {
  await using folder = await tempFolder();
  const { index, manifests, blobs } = layoutMembers({ name: image });
  const good = tarWith(index, ...manifests, ...blobs);
  const table: readonly (readonly [Uint8Array, string])[] = [
    [Buffer.alloc(0), "layout.missing"],
    [Buffer.from("no tar"), "layout.invalid"],
    [tarWith(...blobs), "layout.missing"],
    [tarWith({ ...index, bytes: Buffer.from("[]") }), "layout.invalid"],
    [good.subarray(0, 40_000), "layout.invalid"],
    [gzipSync(good).subarray(0, 40_000), "layout.invalid"],
    [Buffer.from("fd377a585a00", "hex"), "layout.invalid"],
    [Buffer.from("425a6839", "hex"), "layout.invalid"],
  ];
  for (const [bytes, code] of table) {
    await writeFile(folder.in("x.tar"), bytes);
    await assert.rejects(openAt(folder.in("x.tar")), { code });
  }
  await assert.rejects(openAt(folder.path), { code: "layout.unreadable" });
  await assert.rejects(openAt(folder.in("nowhere.tar")), {
    code: "layout.missing",
    message: `creating temp directory: archive file not found: "${folder.in("nowhere.tar")}"`,
  });
  await assert.rejects(openAt(folder.in("no", "folder")), { code: "usage.bad-reference" });
});

test("a pipe is read where the index comes first, plain or packed", async () => {
  const { index, marker, manifests, blobs } = layoutMembers({ name: image });
  const sorted = blobs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const plain = tarWith(marker, index, ...manifests, ...sorted);
  for (const bytes of [plain, gzipSync(plain)]) {
    await using folder = await tempFolder();
    await piped(folder, bytes, async (path) => {
      await using source = await openAt(`${path}:name`);
      assert.deepEqual(source.traits, { openBlobs: 1, access: "tape", reopens: false });
      await assertGives(source, image);
    });
  }
});

test("a pipe is refused where layers come first, unless it may be put aside", async () => {
  const large = makeImage({ type: "oci", layers: 1, layerBytes: 6_000_000 });
  const { index, marker, manifests, blobs } = layoutMembers({ name: large });
  const bytes = tarWith(...blobs, ...manifests, index, marker);
  await using folder = await tempFolder();
  await piped(folder, bytes, async (path) => {
    await assert.rejects(openAt(`${path}:name`), (error: Error & { hint?: string }) => {
      assert.ok("code" in error && error.code === "layout.unsupported");
      return error.hint?.includes("--tmpdir") === true;
    });
  });
  await using second = await tempFolder();
  await using aside = await tempFolder();
  await piped(second, bytes, async (path) => {
    await using source = await openAt(`${path}:name`, aside.path);
    assert.deepEqual(await readdir(aside.path), [], "it has no name");
    await assertGives(source, large);
  });
  assert.deepEqual(await readdir(aside.path), []);
});

test("a blob of a pipe that has passed is told as that", async () => {
  const large = makeImage({ type: "oci", layers: 2, layerBytes: 5_000_000 });
  const { index, manifests, blobs } = layoutMembers({ name: large });
  const bytes = tarWith(index, ...manifests, ...blobs);
  const [first, second] = blobs.filter((each) => (each.bytes?.byteLength ?? 0) > 1_000_000);
  await using folder = await tempFolder();
  await piped(folder, bytes, async (path) => {
    await using source = await openAt(`${path}:name`);
    await source.readManifest("top", { signal });
    const blobOf = (member: Member | undefined) => {
      const blob = large.layers.find(({ digest }) => blobName(digest) === member?.name);
      assert.ok(blob);
      return blob;
    };
    await (await source.openBlob(blobOf(second), { signal }))[Symbol.asyncDispose]();
    await assert.rejects(source.openBlob(blobOf(first), { signal }), {
      code: "transport.unsupported",
    });
  });
});

test("waiting for a pipe that nobody writes to can be called off", async () => {
  await using folder = await tempFolder();
  await exec("mkfifo", [folder.in("pipe")]);
  const transport = createOciArchiveTransport({ clock: () => 0 });
  const reference = await transport.resolve(folder.in("pipe"), "source", { signal });
  const stop = new AbortController();
  const opening = transport.openSource(reference, { signal: stop.signal });
  stop.abort(new Error("called off"));
  await assert.rejects(opening, { message: "called off" });
});

test("an index and its instances are read from a packed archive", async () => {
  await using folder = await tempFolder();
  const list = makeMultiArch({ type: "oci", layerBytes: 50_000 });
  const { index, manifests, blobs } = layoutMembers({ name: list });
  const instances = list.manifests.slice(0, -1).map(({ bytes }) => bytes);
  const digests: Digest[] = JSON.parse(Buffer.from(list.bytes).toString()).manifests.map(
    (each: { digest: Digest }) => each.digest,
  );
  const members = instances.map((bytes, at) => ({ name: blobName(digests[at] as Digest), bytes }));
  await writeFile(folder.in("x.tgz"), gzipSync(tarWith(...blobs, ...members, ...manifests, index)));
  await using source = await openAt(`${folder.in("x.tgz")}:name`);
  const read = await Promise.all(digests.map((each) => source.readManifest(each, { signal })));
  assert.deepEqual(
    read.map(({ digest }) => digest),
    digests,
  );
});
