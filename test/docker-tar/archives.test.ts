import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../src/core/digest.ts";
import type { ArchiveFiles } from "../../src/docker-tar/archive-files.ts";
import { ArchivedImage } from "../../src/docker-tar/archived-image.ts";
import { readItems } from "../../src/docker-tar/items.ts";
import { openPlainArchive } from "../../src/docker-tar/plain-archive.ts";
import { openTapeArchive } from "../../src/docker-tar/tape-archive.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { memoryFile } from "../support/memory-sink.ts";
import { randomBytesOf } from "../support/random.ts";
import { tarOf } from "../support/tar.ts";

const signal = new AbortController().signal;
/** Each more than is kept in memory of a tape. */
const large = [1, 2].map((seed) => randomBytesOf(seed, 400_000));
const mostKept = 100_000;
const small = randomBytesOf(3, 5000);
const layers = [large[0], small, large[1]] as readonly Buffer[];

interface Recipe {
  /** Files by the letters m(anifest), c(onfig) and 0 to 2 (layers), in the archive's order. */
  readonly order: string;
  readonly pack?: (bytes: Buffer) => Buffer;
}

function archiveOf({ order, pack = (bytes) => bytes }: Recipe): Buffer {
  const config = Buffer.from(
    JSON.stringify({ rootfs: { type: "layers", diff_ids: layers.map((each) => digestOf(each)) } }),
  );
  const names = layers.map((_, index) => `${index}/layer.tar`);
  const manifest = [{ Config: "c.json", RepoTags: ["a:b"], Layers: names }];
  const files: Record<string, { name: string; bytes: Buffer }> = {
    m: { name: "manifest.json", bytes: Buffer.from(JSON.stringify(manifest)) },
    c: { name: "c.json", bytes: config },
  };
  layers.forEach((bytes, index) => {
    files[index] = { name: names[index] ?? "", bytes: pack(bytes) };
  });
  return tarOf([...order].map((letter) => files[letter] ?? assert.fail(letter)));
}

async function* chunksOf(bytes: Buffer, closed: () => void = () => {}) {
  try {
    for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000);
  } finally {
    closed();
  }
}

async function imageIn(files: ArchiveFiles): Promise<ArchivedImage> {
  const [item] = await readItems(files, { signal });
  assert.ok(item);
  return await ArchivedImage.read(files, item, { signal });
}

async function assertWhole(image: ArchivedImage, sizesTold = true): Promise<void> {
  const manifest = JSON.parse(Buffer.from(image.manifest).toString());
  const blobs = [manifest.config, ...manifest.layers];
  const place = ({ digest }: { digest: string }) => image.blobOrder.indexOf(digest as never);
  for (const blob of blobs.toSorted((a, b) => place(a) - place(b))) {
    await using stream = await image.openBlob(blob, { signal });
    assert.ok(stream);
    const bytes = await readBounded(stream, 500_000, "blob");
    assert.equal(digestOf(bytes), blob.digest);
    if (sizesTold) assert.equal(bytes.byteLength, blob.size);
  }
}

test("a plain archive is read at any place, its layers packed or not", async () => {
  for (const pack of [undefined, gzipSync, zstdCompressSync]) {
    const bytes = archiveOf({ order: "01m2c", ...(pack && { pack: (each) => pack(each) }) });
    let closed = 0;
    const close = async () => void closed++;
    {
      await using files = await openPlainArchive(memoryFile(bytes), close, { signal });
      const image = await imageIn(files);
      assert.deepEqual(image.blobOrder, []);
      await assertWhole(image);
      const { layers: told } = JSON.parse(Buffer.from(image.manifest).toString());
      await using stream = await image.openBlob(told[1], { signal });
      for await (const _ of stream ?? []);
      assert.ok(stream);
      const rest = await readBounded(stream.again(4000), 1000, "rest");
      assert.ok(small.subarray(4000).equals(rest));
    }
    assert.equal(closed, 1);
  }
});

test("a packed archive is read from its start, as often as it takes", async () => {
  const bytes = gzipSync(archiveOf({ order: "021mc", pack: (each) => gzipSync(each) }), {
    level: 1,
  });
  let [opened, closed] = [0, 0];
  const open = () => {
    opened++;
    return chunksOf(bytes, () => closed++);
  };
  {
    await using files = await openTapeArchive({ open, rewinds: true, mostKept }, { signal });
    const image = await imageIn(files);
    assert.equal(image.blobOrder.length, 4);
    await assertWhole(image);
    assert.equal(opened, 2);
    const { layers: told } = JSON.parse(Buffer.from(image.manifest).toString());
    await using again = await image.openBlob(told[0], { signal }); // has passed
    assert.ok(again);
    assert.equal(digestOf(await readBounded(again, 500_000, "blob")), told[0].digest);
  }
  assert.equal(opened, 3);
  assert.equal(closed, 3);
});

test("a packed archive whose packing breaks off behind the last file is refused", async () => {
  const bytes = gzipSync(archiveOf({ order: "021mc" }));
  for (const [cut, why] of [
    [bytes.subarray(0, -5), "unexpected EOF"],
    [Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8)]), "gzip: invalid checksum"],
  ] as const) {
    for (const rewinds of [true, false]) {
      const tape = { open: () => chunksOf(cut), rewinds, mostKept: 2 ** 24 };
      await assert.rejects(openTapeArchive(tape, { signal }), {
        code: "docker-tar.invalid",
        message: `loading tar component "manifest.json": ${why}`,
      });
    }
  }
});

const pipe = (bytes: Buffer) => ({
  open: () => chunksOf(bytes),
  rewinds: false,
  mostKept,
  hint: "Name a file",
});

test("from a pipe an image is read whose index comes before its layers", async () => {
  for (const order of ["mc012", "cm012", "1mc02"]) {
    await using files = await openTapeArchive(pipe(archiveOf({ order })), { signal });
    await assertWhole(await imageIn(files), false);
  }
});

test("from a pipe nothing is read that has gone by, and nothing kept that is large", async () => {
  const refusal = { code: "docker-tar.no-rewind", hint: "Name a file" };
  for (const order of ["012mc", "0m1c2", "m0c12"]) {
    await using files = await openTapeArchive(pipe(archiveOf({ order })), { signal });
    await assert.rejects(imageIn(files), refusal, order);
  }
  await using unsorted = await openTapeArchive(pipe(archiveOf({ order: "mc210" })), { signal });
  await assert.rejects(assertWhole(await imageIn(unsorted), false), refusal);
  await using files = await openTapeArchive(pipe(archiveOf({ order: "mc012" })), { signal });
  const image = await imageIn(files);
  const { layers: told } = JSON.parse(Buffer.from(image.manifest).toString());
  for await (const _ of (await image.openBlob(told[2], { signal })) ?? []);
  await assert.rejects(async () => await image.openBlob(told[0], { signal }), refusal);
});

test("a small archive may come through a pipe in any order", async () => {
  const config = Buffer.from(
    JSON.stringify({ rootfs: { type: "layers", diff_ids: [digestOf(small)] } }),
  );
  const bytes = tarOf([
    { name: "x/layer.tar", bytes: gzipSync(small) },
    { name: "c.json", bytes: config },
    {
      name: "manifest.json",
      bytes: Buffer.from('[{"Config":"c.json","Layers":["x/layer.tar"]}]'),
    },
  ]);
  await using files = await openTapeArchive(pipe(bytes), { signal });
  const image = await imageIn(files);
  assert.deepEqual(image.blobOrder, []);
  await assertWhole(image);
});

test("what is no archive of images is told in Go's words", async () => {
  const cases = [
    [Buffer.from("x".repeat(600)), "archive/tar: invalid tar header"],
    [Buffer.alloc(0), "file does not exist"],
    [tarOf([{ name: "other", bytes: small }]), "file does not exist"],
    [archiveOf({ order: "mc" }).subarray(0, 600), "unexpected EOF"],
  ] as const;
  for (const [bytes, why] of cases) {
    const ways = [
      () => openPlainArchive(memoryFile(Buffer.from(bytes)), async () => {}, { signal }),
      () => openTapeArchive(pipe(Buffer.from(bytes)), { signal }),
      () => openTapeArchive({ ...pipe(Buffer.from(bytes)), rewinds: true }, { signal }),
    ];
    for (const open of ways) {
      const read = async () => {
        await using files = await open();
        await readItems(files, { signal });
      };
      await assert.rejects(read, {
        code: "docker-tar.invalid",
        message: `loading tar component "manifest.json": ${why}`,
      });
    }
  }
});

test("an image whose files are not there is refused before any blob", async () => {
  await using files = await openPlainArchive(
    memoryFile(archiveOf({ order: "mc01" })),
    async () => {},
    { signal },
  );
  await assert.rejects(imageIn(files), {
    message: "Some layer tarfiles are missing in the tarball",
  });
  await using tape = await openTapeArchive(
    { ...pipe(archiveOf({ order: "mc01" })), rewinds: true },
    { signal },
  );
  await assert.rejects(imageIn(tape), {
    message: "Some layer tarfiles are missing in the tarball",
  });
});
