import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { link, mkdir, open, readFile, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { readRegion } from "../../../src/stream/random-access.ts";
import { cleanName } from "../../../src/stream/tar/archive-entry.ts";
import { type ArchiveIndex, readArchiveIndex } from "../../../src/stream/tar/archive-index.ts";
import { readTape } from "../../../src/stream/tar/archive-tape.ts";
import { ArchiveWriter } from "../../../src/stream/tar/archive-writer.ts";
import {
  buildHeader,
  endOfTar,
  paddingOf,
  type TarFields,
} from "../../../src/stream/tar/builder.ts";
import { parseHeader } from "../../../src/stream/tar/header.ts";
import { MemorySink, memoryFile } from "../../support/memory-sink.ts";
import { randomBytesOf } from "../../support/random.ts";
import { tempFolder } from "../../support/temp.ts";

const exec = promisify(execFile);
const { signal } = new AbortController();

type Member = TarFields & { readonly bytes?: Uint8Array };

function tarWith(...members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ bytes = new Uint8Array(), ...fields }) => [
    buildHeader({ size: bytes.byteLength, ...fields }),
    bytes,
    paddingOf(bytes.byteLength),
  ]);
  return Buffer.concat([...parts, endOfTar]);
}

const indexOf = (bytes: Buffer, options = {}) =>
  readArchiveIndex(memoryFile(bytes), { signal, ...options });

async function contentOf(archive: Buffer, index: ArchiveIndex, name: string): Promise<string> {
  const entry = index.file(name);
  assert.ok(entry, name);
  return await text(readRegion(memoryFile(archive), entry, signal));
}

async function text(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("latin1");
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}

const bytes = (content: string) => Buffer.from(content, "latin1");
const late = async function* (content: string) {
  for (const each of content) yield bytes(each);
};

test("cleanName() keeps what stays inside, and nothing else", () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ["a/b", "a/b"],
    ["./a//b/", "a/b"],
    ["/a", "a"],
    ["/../a", "a"],
    ["a/../b", "b"],
    ["../a", undefined],
    ["a/../../b", undefined],
    [".", undefined],
    ["./", undefined],
    ["..", undefined],
    ["..a", "..a"],
    ["/", undefined],
    ["", undefined],
    ["x".repeat(5000), undefined],
  ];
  for (const [name, expected] of table) {
    assert.equal(cleanName(name), expected, name.slice(0, 20));
  }
});

test("readArchiveIndex() finds what GNU tar wrote, in any of its formats", async () => {
  await using folder = await tempFolder();
  const long = `${"d".repeat(120)}/${"n".repeat(120)}`;
  await mkdir(folder.in("in", "d".repeat(120)), { recursive: true });
  await writeFile(folder.in("in", long), "long");
  await writeFile(folder.in("in", "a"), "first");
  await link(folder.in("in", "a"), folder.in("in", "b"));
  await symlink("d".repeat(120), folder.in("in", "s"));
  for (const format of ["gnu", "pax", "v7"]) {
    const names = format === "v7" ? ["a", "b"] : ["a", "b", "s", "d".repeat(120)];
    const archive = folder.in(`${format}.tar`);
    await exec("tar", ["-C", folder.in("in"), `--format=${format}`, "-cf", archive, ...names]);
    const content = await readFile(archive);
    const index = await indexOf(content);
    assert.equal(await contentOf(content, index, "a"), "first");
    assert.equal(await contentOf(content, index, "./b"), "first");
    if (format === "v7") continue;
    assert.equal(await contentOf(content, index, long), "long");
    assert.equal(await contentOf(content, index, `s/${"n".repeat(120)}`), "long");
  }
});

test("readArchiveIndex() reads headers only", async () => {
  const big = Buffer.alloc(3_000_000, 1);
  const file = memoryFile(tarWith({ name: "a", bytes: big }, { name: "b", bytes: big }));
  const index = await readArchiveIndex(file, { signal });
  assert.deepEqual(
    index.entries.map((entry) => entry.name),
    ["a", "b"],
  );
  assert.ok(file.reads() <= 6, `${file.reads()} reads`);
});

test("ArchiveIndex takes the last of one name, or the first", async () => {
  const archive = tarWith({ name: "a", bytes: bytes("old") }, { name: "./a", bytes: bytes("new") });
  assert.equal(await contentOf(archive, await indexOf(archive), "a"), "new");
  const first = await indexOf(archive, { duplicates: "first" });
  assert.equal(await contentOf(archive, first, "a"), "old");
});

test("ArchiveIndex follows links within the archive only, and never for ever", async () => {
  const archive = tarWith(
    { name: "real/file", bytes: bytes("x") },
    { name: "folder", type: "2", linkName: "real" },
    { name: "deep/up", type: "2", linkName: "../real/file" },
    { name: "hard", type: "1", linkName: "real/file" },
    { name: "loop", type: "2", linkName: "loop" },
    { name: "ring", type: "1", linkName: "ring" },
    { name: "out", type: "2", linkName: "../../etc/passwd" },
    { name: "abs", type: "2", linkName: "/real/file" },
    { name: "dev", type: "3" },
  );
  const index = await indexOf(archive);
  for (const name of ["real/file", "folder/file", "deep/up", "hard"]) {
    assert.equal(await contentOf(archive, index, name), "x");
  }
  for (const name of ["loop", "ring", "out", "abs", "dev", "real", "nothing", "../real/file"]) {
    assert.equal(index.file(name), undefined, name);
  }
});

test("sparse files have no content to be had, and do not hide what follows", async () => {
  await using folder = await tempFolder();
  const handle = await open(folder.in("sparse"), "w");
  for (let at = 0; at < 40; at++) await handle.write(bytes("data"), 0, 4, at * 1_000_000);
  await handle.close();
  await writeFile(folder.in("after"), "after");
  for (const format of [
    ["--format=gnu"],
    ["--format=pax"],
    ["--format=pax", "--sparse-version=0.1"],
  ]) {
    const archive = folder.in("x.tar");
    await exec("tar", ["-C", folder.path, "-S", ...format, "-cf", archive, "sparse", "after"]);
    const content = await readFile(archive);
    const index = await indexOf(content);
    assert.equal(index.file("sparse"), undefined);
    assert.equal(await contentOf(content, index, "after"), "after");
    const names: string[] = [];
    for await (const entry of readTape(inPieces(content, 1000))) names.push(entry.name);
    assert.equal(names.at(-1), "after");
  }
});

test("what is no tar, or ends early, is refused, from a file as from a tape", async () => {
  const good = tarWith({ name: "a", bytes: bytes("x".repeat(1000)) }, { name: "b" });
  const table: readonly (readonly [string, Buffer, "fine" | "bad"])[] = [
    ["no end mark", good.subarray(0, -1024), "fine"],
    ["half an end mark", good.subarray(0, -512), "fine"],
    ["more behind the end", Buffer.concat([good, bytes("junk")]), "fine"],
    ["nothing", Buffer.alloc(0), "fine"],
    ["cut in a header", good.subarray(0, 700 + 1024), "bad"],
    ["cut in a payload", good.subarray(0, 800), "bad"],
    ["not a tar", bytes("x".repeat(2000)), "bad"],
    ["shorter than a block", bytes("{}"), "bad"],
    ["a zero block amidst", Buffer.concat([Buffer.alloc(512), good]), "bad"],
    ["a negative size", withSize(good, Buffer.alloc(12, 0xff)), "bad"],
    ["a size of 2^62", withSize(good, Buffer.from("800000004000000000000000", "hex")), "bad"],
    ["a size of 2^52", withSize(good, Buffer.from("800000000010000000000000", "hex")), "bad"],
  ];
  for (const [what, archive, outcome] of table) {
    const tape = async () => {
      for await (const _ of readTape(inPieces(archive, 333)));
    };
    for (const reading of [() => indexOf(archive), tape]) {
      if (outcome === "fine") await reading();
      else await assert.rejects(reading, { code: "content.bad-tar" }, what);
    }
  }
});

function withSize(archive: Buffer, size: Buffer): Buffer {
  const copy = Buffer.from(archive);
  size.copy(copy, 124);
  copy.fill(0x20, 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}

test("an archive may not have more entries or longer names than the limits allow", async () => {
  const archive = tarWith(...Array.from({ length: 20 }, (_, at) => ({ name: `file-${at}` })));
  await indexOf(archive, { maxEntries: 20 });
  await assert.rejects(indexOf(archive, { maxEntries: 19 }), { code: "content.bad-tar" });
  await assert.rejects(indexOf(archive, { maxNames: 50 }), { code: "content.bad-tar" });
});

test("readTape() gives entries in their order, and passes over what nobody reads", async () => {
  const archive = tarWith(
    { name: "a", bytes: bytes("A".repeat(1500)) },
    { name: "skipped", bytes: bytes("S".repeat(5000)) },
    { name: "begun", bytes: bytes("B".repeat(5000)) },
    { name: "empty" },
    { name: "z", bytes: bytes("Z") },
  );
  for (const length of [1, 100, 512, 4096, 100_000]) {
    const seen: string[] = [];
    for await (const entry of readTape(inPieces(archive, length))) {
      seen.push(entry.name);
      if (entry.name === "begun") for await (const _ of entry.content) break;
      else if (entry.name !== "skipped") seen.push(String((await text(entry.content)).length));
    }
    assert.deepEqual(seen, ["a", "1500", "skipped", "begun", "empty", "0", "z", "1"]);
  }
});

test("ArchiveWriter writes what GNU tar reads, sizes known or not", async () => {
  for (const seeks of [true, false]) {
    const sink = new MemorySink({ seeks });
    const writer = new ArchiveWriter(sink);
    const mode = 0o644;
    await writer.add({ name: "blobs/", type: "5", mode: 0o755 });
    await Promise.all([
      writer.add({ name: "blobs/a", mode, size: 3 }, late("AAA")),
      writer.add({ name: `${"l".repeat(150)}`, mode, size: 1 }, late("L")),
      seeks ? writer.add({ name: () => "late", mode }, late("late!")) : undefined,
      writer.add({ name: "blobs/b", mode, size: 600 }, late("B".repeat(600))),
      writer.add({ name: "empty", mode, size: 0 }),
    ]);
    assert.equal(await writer.finish(), sink.bytes().byteLength);
    await using folder = await tempFolder();
    await writeFile(folder.in("x.tar"), sink.bytes());
    await exec("tar", ["-C", folder.path, "-xf", folder.in("x.tar")]);
    assert.equal(await readFile(folder.in("blobs", "a"), "utf8"), "AAA");
    assert.equal(await readFile(folder.in("blobs", "b"), "utf8"), "B".repeat(600));
    assert.equal(await readFile(folder.in("l".repeat(150)), "utf8"), "L");
    if (seeks) assert.equal(await readFile(folder.in("late"), "utf8"), "late!");
  }
});

test("ArchiveWriter tells where contents stand", async () => {
  const sink = new MemorySink({ seeks: true });
  const writer = new ArchiveWriter(sink);
  const first = await writer.add({ name: "n".repeat(300), size: 2 }, late("hi"));
  const second = await writer.add({ name: "b" }, late("there"));
  assert.equal(sink.bytes().toString("latin1", first.offset, first.offset + first.size), "hi");
  assert.equal(
    sink.bytes().toString("latin1", second.offset, second.offset + second.size),
    "there",
  );
});

test("an entry that failed leaves nothing in a file, and the next ones go well", async () => {
  const failing = async function* () {
    yield bytes("some");
    throw new Error("fault");
  };
  const sink = new MemorySink({ seeks: true });
  const writer = new ArchiveWriter(sink);
  const waiting = Promise.withResolvers<void>();
  const slow = async function* () {
    await waiting.promise;
    yield bytes("slow");
  };
  const bad = [
    writer.add({ name: "unsized" }, failing()),
    writer.add({ name: "sized", size: 700 }, failing()),
    writer.add({ name: "kept", size: 4 }, slow()),
    writer.add({ name: "short", size: 9 }, late("short")),
    writer.add({ name: "long", size: 2 }, late("long")),
  ];
  const outcomes = Promise.allSettled(bad);
  await Promise.allSettled([bad[0], bad[1], bad[3], bad[4]]);
  waiting.resolve();
  assert.deepEqual(
    (await outcomes).map((each) => each.status),
    ["rejected", "rejected", "fulfilled", "rejected", "rejected"],
  );
  await writer.add({ name: "sized", size: 700 }, late("s".repeat(700)));
  await writer.add({ name: "last" }, late("last"));
  const length = await writer.finish();
  const archive = sink.bytes().subarray(0, length);
  const index = await indexOf(archive);
  assert.equal(await contentOf(archive, index, "kept"), "slow");
  assert.equal(await contentOf(archive, index, "sized"), "s".repeat(700));
  assert.equal(await contentOf(archive, index, "last"), "last");
  for (const name of ["unsized", "short", "long"]) assert.equal(index.entry(name), undefined);
});

test("an entry that failed on its way into a pipe takes the archive with it", async () => {
  const writer = new ArchiveWriter(new MemorySink({ seeks: false }));
  await assert.rejects(writer.add({ name: "a", size: 9 }, late("short")));
  await assert.rejects(writer.add({ name: "b", size: 1 }, late("b")));
  await assert.rejects(writer.finish());
});

test("sizes beyond 8 GiB can be told, before and after", async () => {
  const gib9 = 9 * 1024 ** 3;
  const counted = { writes: new Map<number, Buffer>(), seeks: true };
  const sink = {
    seeks: true,
    async write(chunk: Uint8Array, position: number) {
      if (chunk.byteLength <= 4096) counted.writes.set(position, Buffer.from(chunk));
    },
  };
  const huge = function* () {
    const chunk = Buffer.alloc(64 * 1024 * 1024);
    for (let left = gib9; left > 0; left -= chunk.byteLength) yield chunk;
  };
  const writer = new ArchiveWriter(sink);
  const late9 = await writer.add({ name: "late" }, huge());
  assert.equal(late9.size, gib9);
  assert.equal(parseHeader(counted.writes.get(0) as Buffer).size, gib9);
  const early = await writer.add({ name: "early", size: gib9 }, huge());
  assert.equal(early.offset - late9.offset - gib9, 3 * 512, "a PAX header comes before it");
});

test("each write may fail: what finishes is a whole archive", async () => {
  const content = randomBytesOf(7, 5000).toString("latin1");
  for (let nth = 0; nth < 40; nth++) {
    let count = 0;
    const memory = new MemorySink({ seeks: true });
    const sink = {
      seeks: true,
      write: (chunk: Uint8Array, position: number) =>
        count++ === nth ? Promise.reject(new Error("fault")) : memory.write(chunk, position),
    };
    const writer = new ArchiveWriter(sink);
    const outcomes = await Promise.allSettled([
      writer.add({ name: "a", size: 5000 }, inPieces(bytes(content), 999)),
      writer.add({ name: "b" }, inPieces(bytes(content), 999)),
      writer.add({ name: "c", size: 10 }, late("0123456789")),
    ]);
    const length = await writer.finish().catch(() => undefined);
    if (length === undefined) continue;
    const archive = memory.bytes().subarray(0, length);
    const index = await indexOf(archive);
    for (const [at, name] of ["a", "b", "c"].entries()) {
      if (outcomes[at]?.status === "rejected") assert.equal(index.file(name), undefined);
      else
        assert.equal(await contentOf(archive, index, name), name === "c" ? "0123456789" : content);
    }
  }
});
