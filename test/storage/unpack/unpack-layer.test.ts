import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { getXattrOf } from "../../../src/libc/xattr.ts";
import { unpackLayer } from "../../../src/storage/unpack/unpack-layer.ts";
import { packedFile, layer as packedLayer } from "../../stream/packed.ts";
import {
  layerEntry,
  layerOf,
  reassembled,
  treeOf,
  unpackHere,
  unpackUnconfined,
} from "../../support/layers.ts";
import { tempFolder } from "../../support/temp.ts";

const isRoot = process.getuid?.() === 0;

const ordinary = layerOf(
  layerEntry({ name: "./", type: "5", mode: 0o700 }),
  layerEntry({ name: "etc/", type: "5", mode: 0o711, mtime: { seconds: 77, nanoseconds: 5 } }),
  layerEntry({ name: "etc/passwd", mode: 0o4640, mtime: { seconds: 99, nanoseconds: 0 } }, "root"),
  layerEntry({ name: "etc/empty" }),
  layerEntry({ name: "usr/share/doc/deep" }, "x".repeat(1_000_000)),
  layerEntry({ name: "link", type: "2", linkName: "/etc/passwd" }),
  layerEntry({ name: "hard", type: "1", linkName: "./etc/passwd", mode: 0o4640 }),
  layerEntry({ name: "pipe", type: "6", mode: 0o600 }),
  layerEntry({ name: "late", mtime: { seconds: -5, nanoseconds: 0 } }),
  layerEntry({ name: "ünïcode", pax: new Map([["SCHILY.xattr.user.test", "\0=\xff"]]) }, "u"),
  layerEntry({ name: "dangling", type: "2", linkName: "no/where" }),
);

test("unpackLayer() makes every kind of entry, and a tar-split that gives the tar back", async () => {
  await using temp = await tempFolder();
  const layer = await unpackHere(temp, ordinary);
  assert.equal(layer.diffId, `sha256:${createHash("sha256").update(ordinary).digest("hex")}`);
  assert.equal(layer.diffSize, ordinary.byteLength);
  assert.deepEqual([layer.compression, layer.rootSet], [0, false]);
  assert.deepEqual(layer.uids, [process.getuid?.()]);
  assert.deepEqual(treeOf(layer.folder), [
    "dangling -> no/where",
    "etc/",
    "etc/empty = ",
    "etc/passwd = root",
    "hard = root",
    "late = ",
    "link -> /etc/passwd",
    "pipe fifo",
    "usr/",
    "usr/share/",
    "usr/share/doc/",
    `usr/share/doc/deep = ${"x".repeat(40)}`,
    `${Buffer.from("ünïcode").toString("latin1")} = u`,
  ]);
  const at = (name: string) => lstatSync(join(layer.folder, name), { bigint: true });
  assert.equal(at("etc").mtimeNs, 77_000_000_005n);
  assert.equal(at("etc").mode & 0o7777n, 0o711n);
  assert.equal(at("etc/passwd").mode & 0o7777n, 0o4640n);
  assert.equal(at("etc/passwd").mtimeNs, 1_000_000_000_000_000_000n);
  assert.equal(at("hard").ino, at("etc/passwd").ino);
  assert.equal(at("late").mtimeNs, 0n);
  assert.equal(at("usr").mode & 0o777n, 0o755n);
  const value = getXattrOf(join(layer.folder, "ünïcode"), "user.test");
  assert.deepEqual(value, Buffer.from("\0=\xff", "latin1"));
  assert.deepEqual(reassembled(layer), ordinary);
});

test("unpackLayer() takes what gzip, zstd, bzip2 and xz make of a layer, in any number of parts", async () => {
  await using temp = await tempFolder();
  const [one, two] = [ordinary.subarray(0, 3000), ordinary.subarray(3000)];
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const packings: readonly (readonly [Buffer, number])[] = [
    [gzipSync(ordinary), 2],
    [Buffer.concat([gzipSync(one), gzipSync(two)]), 2],
    [zstdCompressSync(ordinary), 4],
    [
      Buffer.concat([
        skippable,
        zstdCompressSync(one),
        skippable,
        zstdCompressSync(two),
        skippable,
      ]),
      4,
    ],
  ];
  for (const [blob, compression] of packings) {
    const layer = await unpackUnconfined(temp, blob);
    assert.equal(layer.compression, compression);
    assert.deepEqual(reassembled(layer), ordinary);
  }
  for (const [name, compression] of [
    ["layer-streams.bz2", 1],
    ["layer-streams.xz", 3],
  ] as const) {
    const unpacked = await unpackUnconfined(temp, packedFile(name));
    assert.equal(unpacked.compression, compression);
    assert.deepEqual(reassembled(unpacked), packedLayer);
  }
  for (const blob of [
    gzipSync(ordinary).subarray(0, -9),
    zstdCompressSync(ordinary).subarray(0, 99),
    packedFile("layer.bz2").subarray(0, -9),
    packedFile("layer.xz").subarray(0, -9),
  ]) {
    await assert.rejects(unpackUnconfined(temp, blob), { code: "content.bad-compression" });
  }
});

test("unpackLayer() takes links of any length that the kernel takes, and times that Go takes", async () => {
  await using temp = await tempFolder();
  const target = "a/".repeat(2047);
  const long = (length: number) =>
    layerEntry({ name: "long", type: "2", linkName: target.padEnd(length, "b") });
  const at = (name: string, seconds: number, nanoseconds: number) =>
    layerEntry({ name, mtime: { seconds, nanoseconds } });
  const edge = [9_223_372_036, 854_775_807] as const;
  const tar = layerOf(long(4095), at("last", ...edge), at("beyond", edge[0], edge[1] + 1));
  const layer = await unpackHere(temp, tar);
  assert.equal(readlinkSync(join(layer.folder, "long")), `${target}b`);
  const timeOf = (name: string) => lstatSync(join(layer.folder, name), { bigint: true }).mtimeNs;
  assert.deepEqual([timeOf("last"), timeOf("beyond")], [9_223_372_036_854_775_807n, 0n]);
  assert.deepEqual(reassembled(layer), tar);
  await assert.rejects(unpackUnconfined(temp, layerOf(long(4096))), { code: "storage.bad-layer" });
});

test("unpackLayer() takes an empty stream, a tar without its end, and what follows it", async () => {
  await using temp = await tempFolder();
  const entry = layerEntry({ name: "a" }, "hello");
  const noPadding = entry.subarray(0, 512 + 5);
  for (const tar of [Buffer.alloc(0), entry, noPadding, Buffer.concat([layerOf(entry), entry])]) {
    const layer = await unpackUnconfined(temp, tar);
    assert.deepEqual(reassembled(layer), tar);
    assert.deepEqual(treeOf(layer.folder), tar.byteLength > 0 ? ["a = hello"] : []);
  }
});

const hiding = layerOf(
  layerEntry({ name: "folder/.wh.gone" }),
  layerEntry({ name: "opaque/.wh..wh..opq" }),
  layerEntry({ name: "opaque/new" }, "new"),
  layerEntry({ name: ".wh.tree" }),
  layerEntry({ name: "tree/.wh.below" }),
  layerEntry({ name: ".wh.nothing" }),
);

function lowerTree(folder: string): void {
  for (const name of ["folder", "opaque/deep", "tree/below"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  for (const name of ["folder/gone", "folder/kept", "opaque/old", "opaque/deep/old", "tree/x"]) {
    writeFileSync(join(folder, name), "old");
  }
}

test("unpackLayer() keeps whiteouts as overlayfs wants them", { skip: !isRoot }, async () => {
  await using temp = await tempFolder();
  const layer = await unpackUnconfined(temp, hiding);
  assert.deepEqual(treeOf(layer.folder), [
    "folder/",
    "folder/gone device 0:0",
    "nothing device 0:0",
    "opaque/",
    "opaque/new = new",
    "tree device 0:0",
  ]);
  const opaque = getXattrOf(join(layer.folder, "opaque"), "trusted.overlay.opaque");
  assert.equal(opaque?.toString(), "y");
  assert.deepEqual(reassembled(layer), hiding);
  const inNamespace = await unpackUnconfined(temp, hiding, { userNamespace: true });
  const user = getXattrOf(join(inNamespace.folder, "opaque"), "user.overlay.opaque");
  assert.equal(user?.toString(), "y");
});

test("unpackLayer() removes what whiteouts name from a whole tree, or leaves them files", async () => {
  await using temp = await tempFolder();
  const whole = await unpackUnconfined(temp, hiding, { whiteouts: "vfs", before: lowerTree });
  assert.deepEqual(treeOf(whole.folder), [
    "folder/",
    "folder/kept = old",
    "opaque/",
    "opaque/new = new",
    "tree/",
  ]);
  assert.deepEqual(reassembled(whole), hiding);
  const files = await unpackUnconfined(temp, hiding, { whiteouts: "mount-program" });
  assert.equal(treeOf(files.folder).filter((line) => line.includes(".wh.")).length, 5);
  assert.deepEqual(reassembled(files), hiding);
});

test("unpackLayer() lets an opaque folder keep what its own layer brought before it", async () => {
  await using temp = await tempFolder();
  const tar = layerOf(
    layerEntry({ name: "opaque/deep/new" }, "new"),
    layerEntry({ name: "opaque/.wh..wh..opq" }),
  );
  const layer = await unpackUnconfined(temp, tar, { whiteouts: "vfs", before: lowerTree });
  const kept = treeOf(layer.folder).filter((line) => line.startsWith("opaque"));
  assert.deepEqual(kept, ["opaque/", "opaque/deep/", "opaque/deep/new = new"]);
});

test("unpackLayer() sets the root's own attributes for the names that Go's does it for", async () => {
  await using temp = await tempFolder();
  for (const [name, whiteouts, set] of [
    ["./", "overlay", false],
    ["/", "overlay", true],
    ["./", "vfs", true],
    ["/", "vfs", true],
  ] as const) {
    const tar = layerOf(layerEntry({ name, type: "5", mode: 0o711 }));
    const layer = await unpackUnconfined(temp, tar, { whiteouts });
    assert.equal(layer.rootSet, set);
    assert.equal((statSync(layer.folder).mode & 0o777) === 0o711, set);
    assert.deepEqual(reassembled(layer), tar);
  }
});

test("unpackLayer() fills several targets at once", async () => {
  await using temp = await tempFolder();
  const folders = [temp.in("one"), temp.in("two")];
  for (const folder of folders) mkdirSync(folder);
  const targets = folders.map((folder) => {
    const tarSplit = `${folder}.gz`;
    return { folder, tarSplit, whiteouts: "overlay", userNamespace: false } as const;
  });
  const blob = (async function* () {
    yield ordinary;
  })();
  const layer = await unpackLayer(blob, targets, { signal: new AbortController().signal });
  for (const { folder, tarSplit } of targets) {
    assert.deepEqual(reassembled({ ...layer, folder, tarSplit }), ordinary);
  }
});

test("unpackLayer() ends with its source's failure, and with its caller's", async () => {
  await using temp = await tempFolder();
  const failing = (async function* () {
    yield ordinary.subarray(0, 5000);
    throw new Error("cut");
  })();
  await assert.rejects(unpackHere(temp, failing), { message: "cut" });
  const controller = new AbortController();
  const aborted = (async function* () {
    yield ordinary.subarray(0, 5000);
    controller.abort(new Error("enough"));
    yield ordinary.subarray(5000);
  })();
  const folder = temp.in("aborted");
  mkdirSync(folder);
  const target = { folder, whiteouts: "overlay", userNamespace: false } as const;
  const work = unpackLayer(aborted, [target], { signal: controller.signal });
  await assert.rejects(work, { message: "enough" });
});
