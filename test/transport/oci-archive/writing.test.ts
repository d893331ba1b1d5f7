import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { readRawManifest } from "../../../src/core/manifest.ts";
import { BlobStream, type NewBlob } from "../../../src/stream/blob-stream.ts";
import { readTape } from "../../../src/stream/tar/archive-tape.ts";
import type {
  BlobPlace,
  ImageDestination,
} from "../../../src/transport/contract/image-destination.ts";
import type { Transport } from "../../../src/transport/contract/transport.ts";
import { openImageArchive } from "../../../src/transport/oci-archive/destination.ts";
import { createOciArchiveTransport } from "../../../src/transport/oci-archive/transport.ts";
import { watchFiles } from "../../layout/faulty-files.ts";
import { blobName } from "../../support/archives.ts";
import { everyStep, InjectedFault } from "../../support/faults.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { tempFolder } from "../../support/temp.ts";

const exec = promisify(execFile);
const { signal } = new AbortController();
const place: BlobPlace = { role: "layer", positions: [0] };
const clock = () => 1_700_000_000_999;
const image = makeImage({ type: "oci", seed: 1, layers: 2, layerBytes: 3000 });
const other = makeImage({ type: "oci", seed: 2, layers: 2, layerBytes: 3000 });

function transportWith(spoolFolder?: string): Transport {
  return createOciArchiveTransport({ clock, ...(spoolFolder !== undefined && { spoolFolder }) });
}

async function open(text: string, transport = transportWith()): Promise<ImageDestination> {
  const reference = await transport.resolve(text, "destination", { signal });
  return await transport.openDestination(reference, { signal });
}

async function write(text: string, what: TestImage, transport = transportWith()): Promise<void> {
  await using destination = await open(text, transport);
  await fill(destination, what);
  await destination.commit({ signal });
}

async function fill(destination: ImageDestination, what: TestImage): Promise<void> {
  const manifest = readRawManifest(what.bytes);
  await using writer = await destination.openImage({ manifest, as: "top" }, { signal });
  for (const blob of [...what.layers, ...(what.config ? [what.config] : [])]) {
    const bytes = what.blobs.get(blob.digest) ?? new Uint8Array();
    if (await writer.adoptBlob(blob, place, destination.reference, { signal })) continue;
    const stream = new BlobStream(blob, () => chunks(bytes), { reopens: false });
    await writer.writeBlob(stream, place, { signal });
  }
  await writer.writeManifest(manifest, { signal });
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of readTape(createReadStream(path))) names.push(entry.name);
  return names;
}

async function topOf(text: string): Promise<string> {
  const transport = transportWith();
  const reference = await transport.resolve(text, "source", { signal });
  await using source = await transport.openSource(reference, { signal });
  return (await source.readManifest("top", { signal })).digest;
}

test("members are named, dated and owned as skopeo's, blobs in their order", async () => {
  await using folder = await tempFolder();
  await write(`${folder.in("x.tar")}:name`, image);
  const digests = [...image.layers, ...(image.config ? [image.config] : [])];
  const blobs = [...digests.map(({ digest }) => digest), image.digest].map(blobName);
  assert.deepEqual(await namesIn(folder.in("x.tar")), [
    "blobs",
    "blobs/sha256",
    ...blobs,
    "index.json",
    "oci-layout",
  ]);
  const { stdout } = await exec("tar", ["--numeric-owner", "-tvf", folder.in("x.tar")], {
    env: { TZ: "UTC", PATH: "/usr/bin:/bin" },
  });
  const lines = stdout.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^drwxr-xr-x 0\/0 +0 2023-11-14 22:13 blobs\/$/);
  for (const line of lines.slice(2)) assert.match(line, /^-rw-r--r-- 0\/0 +\d+ 2023-11-14 22:13 /);
  await exec("tar", ["-C", folder.path, "-xf", folder.in("x.tar")]);
  assert.equal(await readFile(folder.in("oci-layout"), "utf8"), '{"imageLayoutVersion":"1.0.0"}');
});

test("an archive that is there is replaced, with all its images, and keeps its mode", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.tar");
  await write(`${path}:one`, image);
  await chmod(path, 0o640);
  await write(`${path}:two`, other);
  assert.equal((await stat(path)).mode & 0o777, 0o640);
  assert.equal(await topOf(path), other.digest);
  await assert.rejects(topOf(`${path}:one`), { code: "transport.image-not-found" });
  await writeFile(path, "anything at all");
  await write(path, image);
  assert.equal(await topOf(path), image.digest);
});

test("a link is followed to the file, which is replaced", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("far"));
  await writeFile(folder.in("far", "x.tar"), "");
  await symlink("far/x.tar", folder.in("link.tar"));
  await write(folder.in("link.tar"), image);
  assert.ok((await stat(folder.in("far", "x.tar"))).size > 0);
  assert.deepEqual(await readdir(folder.path), ["far", "link.tar"]);
});

test("what cannot be an archive's place is refused before any blob is asked for", async () => {
  await using folder = await tempFolder();
  for (const [text, code] of [
    [folder.path, "layout.unwritable"],
    [folder.in("no", "folder.tar"), "usage.bad-reference"],
    [`${folder.in("x.tar")}:@0`, "usage.bad-reference"],
    [`${folder.in("x.tar")}:a~b`, "usage.bad-reference"],
  ] as const) {
    await assert.rejects(open(text), { code });
  }
  await assert.rejects(open(folder.path), {
    message: `creating tar file "${folder.path}": open ${folder.path}: is a directory`,
  });
  assert.deepEqual(await readdir(folder.path), []);
});

test("several images go into one archive, with their names", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.tar");
  const options = { acceptUncompressedLayers: false, clock };
  const reference = await transportWith().resolve(path, "destination", { signal });
  {
    await using archive = await openImageArchive(path, options, { signal });
    for (const [name, what] of [
      ["one", image],
      ["two", other],
      [undefined, image],
    ] as const) {
      await using destination = archive.open(reference, name);
      await fill(destination, what);
      await destination.commit({ signal });
    }
    assert.deepEqual((await readdir(folder.path)).includes("x.tar"), false);
    await archive.commit();
  }
  assert.equal(await topOf(`${path}:one`), image.digest);
  assert.equal(await topOf(`${path}:two`), other.digest);
  assert.equal(await topOf(`${path}:@2`), image.digest);
  const names = await namesIn(path);
  assert.equal(new Set(names).size, names.length, "nothing is there twice");
});

test("at any call on files that fails, what was there stays and nothing else is left", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.tar");
  await write(path, image);
  const before = await readFile(path);
  const steps = await everyStep(async (nth) => {
    using _ = await watchFiles((call, name) => {
      if (call === nth)
        throw Object.assign(new InjectedFault(name), { code: "EIO", syscall: name });
    });
    try {
      await write(path, other);
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.ok((await readFile(path)).equals(before), `step ${nth}`);
      assert.deepEqual(await readdir(folder.path), ["x.tar"]);
      return "failed";
    }
    return "through";
  });
  assert.ok(steps > 15, `${steps} steps`);
  assert.equal(await topOf(path), other.digest);
});

function failing(name: string, errno: string): never {
  throw Object.assign(new InjectedFault(name), { code: errno, syscall: name });
}

test("a file that is mounted by itself is written over when the archive is whole", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.tar");
  await write(path, image);
  const { ino } = await stat(path);
  {
    using _ = await watchFiles((_, name) => name === "rename" && failing(name, "EBUSY"));
    await write(path, other);
  }
  assert.equal(await topOf(path), other.digest);
  assert.equal((await stat(path)).ino, ino);
  assert.deepEqual(await readdir(folder.path), ["x.tar"]);
});

test("a file that nothing can be put beside is written over from where --tmpdir says", async () => {
  await using folder = await tempFolder();
  await using aside = await tempFolder();
  const path = folder.in("x.tar");
  await write(path, image);
  const before = await readFile(path);
  using _ = await watchFiles((_, name, [what]) => {
    if (name === "open" && String(what).startsWith(folder.in(".amphora"))) failing(name, "EACCES");
  });
  await assert.rejects(open(path), { code: "layout.unwritable" });
  {
    await using destination = await open(path, transportWith(aside.path));
    await fill(destination, other);
    assert.ok((await readFile(path)).equals(before));
    await destination.commit({ signal });
  }
  assert.equal(await topOf(path), other.digest);
  assert.deepEqual([...(await readdir(folder.path)), ...(await readdir(aside.path))], ["x.tar"]);
});

/** Reads a named pipe to its end while `work` writes to it. */
async function throughPipe(path: string, work: () => Promise<void>): Promise<Buffer> {
  await exec("mkfifo", [path]);
  const reading = (async () => {
    const read: Buffer[] = [];
    for await (const chunk of createReadStream(path)) read.push(chunk);
    return Buffer.concat(read);
  })();
  await work();
  return await reading;
}

test("a pipe gets a whole archive, from layers that stay as they are", async () => {
  await using folder = await tempFolder();
  const bytes = await throughPipe(folder.in("pipe"), async () => {
    await using destination = await open(`${folder.in("pipe")}:name`);
    assert.equal(destination.traits.newBlobs, "none");
    assert.equal(destination.traits.openBlobs, 1);
    await fill(destination, image);
    await destination.commit({ signal });
  });
  await writeFile(folder.in("x.tar"), bytes);
  assert.equal(await topOf(`${folder.in("x.tar")}:name`), image.digest);
});

test("a pipe gets an archive that was put together where --tmpdir says", async () => {
  await using folder = await tempFolder();
  await using aside = await tempFolder();
  const content = Buffer.from("made on the way");
  const made: NewBlob = {
    mediaType: "x/y",
    [Symbol.asyncIterator]: () => chunks(content),
    async [Symbol.asyncDispose]() {},
  };
  let name = "";
  const bytes = await throughPipe(folder.in("pipe"), async () => {
    await using destination = await open(folder.in("pipe"), transportWith(aside.path));
    assert.equal(destination.traits.newBlobs, "any");
    await fill(destination, image);
    const manifest = readRawManifest(image.bytes);
    await using writer = await destination.openImage({ manifest, as: "top" }, { signal });
    name = blobName((await writer.writeBlob(made, place, { signal })).digest);
    assert.deepEqual(await readdir(aside.path), [], "it has no name");
    await destination.commit({ signal });
  });
  await writeFile(folder.in("x.tar"), bytes);
  assert.ok((await namesIn(folder.in("x.tar"))).includes(name));
  assert.equal(await topOf(folder.in("x.tar")), image.digest);
});

test("a reader that goes away is told, and waiting for one can be called off", async () => {
  await using folder = await tempFolder();
  const path = folder.in("pipe");
  await exec("mkfifo", [path]);
  const stop = new AbortController();
  const transport = transportWith();
  const reference = await transport.resolve(path, "destination", { signal });
  const opening = transport.openDestination(reference, { signal: stop.signal });
  stop.abort(new Error("called off"));
  await assert.rejects(opening, { message: "called off" });
  const reader = createReadStream(path);
  await using destination = await open(path);
  reader.destroy();
  const large = makeImage({ type: "oci", seed: 3, layers: 1, layerBytes: 2_000_000 });
  await assert.rejects(fill(destination, large), { code: "layout.unwritable" });
});

test("a device that is full says so", async () => {
  await using destination = await open("/dev/full");
  await assert.rejects(fill(destination, image), {
    code: "layout.unwritable",
    message: "write /dev/full: no space left on device",
  });
});

test("images in archives are not deleted, which is told in skopeo's words", async () => {
  const transport = transportWith();
  const reference = await transport.resolve("/x.tar", "source", { signal });
  await assert.rejects(async () => await transport.deleteImage?.(reference, { signal }), {
    code: "transport.unsupported",
    message: "Deleting images not implemented for oci: images",
  });
});
