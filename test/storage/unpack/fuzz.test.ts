import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { KnownError } from "../../../src/core/errors.ts";
import { buildHeader } from "../../../src/stream/tar/builder.ts";
import { parseHeader } from "../../../src/stream/tar/header.ts";
import {
  layerEntry,
  layerOf,
  reassembled,
  treeOf,
  unpackUnconfined,
} from "../../support/layers.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const pax = (records: Record<string, string>) => ({ pax: new Map(Object.entries(records)) });

const seeds = [
  layerOf(
    layerEntry({ name: "a/", type: "5" }),
    layerEntry({ name: "a/file" }, "content"),
    layerEntry(
      { name: "a/../b/file", ...pax({ "SCHILY.xattr.user.x": "y", mtime: "1.5" }) },
      "more",
    ),
    layerEntry({ name: "s", type: "2", linkName: "/a" }),
    layerEntry({ name: "s/file" }, "through"),
    layerEntry({ name: "h", type: "1", linkName: "a/file" }),
    layerEntry({ name: "n".repeat(150), type: "0" }, "x".repeat(600)),
    layerEntry({ name: "a", type: "2", linkName: "b" }),
    layerEntry({ name: ".wh.b" }),
  ),
  layerOf(
    layerEntry({ name: "g", type: "g" }, "10 a=bcde\n"),
    layerEntry(
      {
        name: "sparse",
        ...pax({
          "GNU.sparse.map": "1,2,4,1",
          "GNU.sparse.numblocks": "2",
          "GNU.sparse.size": "9",
        }),
      },
      "abc",
    ),
    layerEntry(
      {
        name: "sparse-1",
        ...pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "4" }),
      },
      `1\n2\n2\n${"\0".repeat(506)}yz`,
    ),
    layerEntry({ name: "././@LongLink", type: "L" }, "long/name\0"),
    layerEntry({ name: "short" }, "1"),
    layerEntry({ name: "short" }, "22"),
    layerEntry({ name: "d/.wh..wh..opq" }),
  ),
];

/** Numbers that look drawn, the same ones in every run. */
function drawing(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One change of a tar, around the block at `at`. */
type Change = (bytes: Buffer, at: number, draw: (below: number) => number) => Buffer | number;

const odd = ["\xff", "/", "..", "\0", "7", "9", "S", "\x80"];

const changes: readonly Change[] = [
  (bytes, at, draw) => (bytes[at + draw(512)] = draw(256)),
  (bytes, at, draw) => bytes.write(odd[draw(odd.length)] ?? "", at + draw(160), "latin1"),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 512)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at + 512), bytes.subarray(at)]),
  (bytes, at, draw) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(draw(at + 1))]),
  (bytes, at, draw) => bytes.fill(0x30 + draw(9), at + 124 + draw(11), at + 136),
  (bytes, at, draw) => (bytes[at + 156] = 0x30 + draw(10)),
];

/** A few changes; checksums are made right again, so that more is read than the first of them. */
function mutated(tar: Buffer, draw: (below: number) => number): Buffer {
  let bytes = Buffer.from(tar);
  for (let count = 1 + draw(4); count > 0 && bytes.byteLength >= 1024; count--) {
    const at = 512 * draw(Math.floor(bytes.byteLength / 512));
    const change = changes[draw(changes.length)]?.(bytes, at, draw);
    if (Buffer.isBuffer(change)) bytes = Buffer.from(change);
    fixChecksums(bytes);
  }
  return bytes;
}

function fixChecksums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.byteLength; at += 512) {
    if (bytes.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    bytes.fill(0x20, at + 148, at + 156);
    let sum = 0;
    for (let index = at; index < at + 512; index++) sum += bytes[index] ?? 0;
    bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
}

async function tryOne(temp: TempFolder, number: number): Promise<"taken" | "refused"> {
  const draw = drawing(number);
  const tar = mutated(seeds[draw(seeds.length)] ?? Buffer.alloc(0), draw);
  const blob = [tar, gzipSync(tar), zstdCompressSync(tar)][draw(3)] ?? tar;
  if (blob !== tar && draw(4) === 0) blob[draw(blob.byteLength)] = draw(256);
  const whiteouts = (["overlay", "vfs", "mount-program"] as const)[draw(3)] ?? "vfs";
  try {
    const options = { whiteouts, userNamespace: true, ignoreChownErrors: true };
    const layer = await unpackUnconfined(temp, blob, options);
    if (blob === tar) assert.ok(reassembled(layer).equals(tar), `${number} is not given back`);
    rmSync(dirname(layer.folder), { recursive: true });
    return "taken";
  } catch (error) {
    assert.ok(
      error instanceof KnownError,
      `${number}: ${error instanceof Error ? error.stack : error}`,
    );
    return "refused";
  }
}

test("a layer that was changed anywhere is taken whole or refused in words", async () => {
  await using temp = await tempFolder();
  writeFileSync(temp.in("outside"), "untouched");
  const runs = process.env["AMPHORA_SOAK"] === "1" ? 20_000 : 300;
  const count = { taken: 0, refused: 0 };
  for (let number = 0; number < runs; number++) count[await tryOne(temp, number)] += 1;
  assert.ok(count.taken > runs / 20 && count.refused > runs / 20, JSON.stringify(count));
  const outside = treeOf(temp.path).filter((line) => !line.startsWith("layer-"));
  assert.deepEqual(outside, ["outside = untouched"]);
});

test("a header of any bytes is read or refused", () => {
  const draw = drawing(1);
  const header = buildHeader({ name: "x", size: 5 });
  for (let run = 0; run < 2000; run++) {
    const block = Buffer.from(header);
    for (let changes = draw(20); changes >= 0; changes--) block[draw(512)] = draw(256);
    fixChecksums(block);
    try {
      parseHeader(block);
    } catch (error) {
      assert.ok(error instanceof KnownError);
    }
  }
});
