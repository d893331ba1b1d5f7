import assert from "node:assert/strict";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildHeader, endOfTar } from "../../../src/stream/tar/builder.ts";
import {
  layerEntry,
  layerOf,
  reassembled,
  treeOf,
  unpackUnconfined,
} from "../../support/layers.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const isRoot = process.getuid?.() === 0;

/** A layer that means no good: what is there after it, or the code that it is refused with. */
interface Hostile {
  readonly what: string;
  readonly entries: readonly Buffer[];
  readonly outcome: readonly string[] | string;
  readonly needsRoot?: boolean;
}

const file = (name: string, payload = "evil") => layerEntry({ name }, payload);
const folder = (name: string) => layerEntry({ name, type: "5" });
const symlink = (name: string, linkName: string) => layerEntry({ name, type: "2", linkName });
const hardLink = (name: string, linkName: string) => layerEntry({ name, type: "1", linkName });
const device = (name: string, type: string) => layerEntry({ name, type });
const pax = (name: string, records: Record<string, string>, payload = "") =>
  layerEntry({ name, pax: new Map(Object.entries(records)) }, payload);

const up = "../".repeat(30);

const layers: readonly Hostile[] = [
  { what: "an absolute path", entries: [file("/abs/file")], outcome: ["abs/", "abs/file = evil"] },
  { what: "a path upwards", entries: [file(`${up}file`)], outcome: ["file = evil"] },
  {
    what: "a path down and further up",
    entries: [file("a/../../../file"), file("/../other")],
    outcome: ["file = evil", "other = evil"],
  },
  {
    what: "an absolute link as a folder",
    entries: [symlink("out", "/"), file("out/outside/secret")],
    outcome: ["out -> /", "outside/", "outside/secret = evil"],
  },
  {
    what: "a link upwards as a folder",
    entries: [symlink("out", `${up}outside`), folder("outside"), file("out/secret")],
    outcome: [`out -> ${up}outside`, "outside/", "outside/secret = evil"],
  },
  {
    what: "links through links",
    entries: [symlink("a", "b"), symlink("b", "/c"), folder("c"), file("a/../a/x")],
    outcome: ["a -> b", "b -> /c", "c/", "c/x = evil"],
  },
  {
    what: "a file through a link at its end",
    entries: [symlink("x", "/outside/secret"), file("x")],
    outcome: ["x = evil"],
  },
  {
    what: "a folder over a link",
    entries: [symlink("x", "/"), folder("x"), file("x/outside")],
    outcome: ["x/", "x/outside = evil"],
  },
  {
    what: "a hard link to what a link leads to",
    entries: [
      symlink("x", "/etc/passwd"),
      hardLink("y", "x"),
      layerEntry({ name: "y", mode: 0o777 }),
    ],
    outcome: ["x -> /etc/passwd", "y = "],
  },
  {
    what: "a link in circles",
    entries: [symlink("x", "x"), file("x/y")],
    outcome: "storage.bad-layer",
  },
  {
    what: "a link to nothing as a folder",
    entries: [symlink("x", "n"), file("x/y")],
    outcome: "storage.bad-layer",
  },
  {
    what: "/proc by a link",
    entries: [symlink("p", "/proc/self/root"), file("p/x")],
    outcome: "storage.bad-layer",
  },
  {
    what: "a hard link to the outside",
    entries: [hardLink("x", "/outside/secret")],
    outcome: "storage.bad-layer",
  },
  {
    what: "a hard link upwards",
    entries: [hardLink("x", `${up}outside/secret`)],
    outcome: "storage.bad-layer",
  },
  {
    what: "a hard link to itself",
    entries: [file("x"), hardLink("x", "x")],
    outcome: "storage.bad-layer",
  },
  {
    what: "a hard link to a folder",
    entries: [folder("x"), hardLink("y", "x")],
    outcome: "storage.unpack-failed",
  },
  { what: "a file as a folder", entries: [file("x"), file("x/y")], outcome: "storage.bad-layer" },
  { what: "a root that is a file", entries: [file("/")], outcome: "storage.bad-layer" },
  { what: "a root that is a link", entries: [symlink("..", "/")], outcome: "storage.bad-layer" },
  { what: "whiteouts of no name", entries: [file("a/.wh.")], outcome: "storage.bad-layer" },
  { what: "a whiteout upwards", entries: [file("a/.wh...")], outcome: "storage.bad-layer" },
  {
    what: "a whiteout after what it hides",
    entries: [file("x"), file(".wh.x", ""), folder("y"), file("y/z"), file(".wh.y", "")],
    outcome: ["x device 0:0", "y device 0:0"],
    needsRoot: true,
  },
  {
    what: "whiteouts with something in them",
    entries: [file("a/.wh.x"), file("a/.wh..wh..opq")],
    outcome: ["a/", "a/x device 0:0"],
    needsRoot: true,
  },
  {
    what: "devices",
    entries: [device("c", "3"), device("b", "4")],
    outcome: ["b device 0:0", "c device 0:0"],
    needsRoot: true,
  },
  {
    what: "one name again and again",
    entries: [
      file("x", "1"),
      file("./x", "22"),
      file("x", ""),
      file("x", "333"),
      folder("d"),
      folder("d/"),
    ],
    outcome: ["d/", "x = 333"],
  },
  {
    what: "files that links, folders and files take the place of",
    entries: [
      file("a/b/one", "1".repeat(100_000)),
      file("a/two", "2"),
      file("c", "3"),
      folder("etc"),
      symlink("a", "/etc"),
      folder("c"),
      file("a/two", "x"),
      file("c/four", "4"),
      file("c", "5"),
    ],
    outcome: ["a -> /etc", "c = 5", "etc/", "etc/two = x"],
  },
  {
    what: "types that nobody unpacks",
    entries: [device("x", "7")],
    outcome: "storage.bad-layer",
  },
  { what: "old sparse files", entries: [device("x", "S")], outcome: "storage.bad-layer" },
  {
    what: "sizes where there is nothing",
    entries: [
      buildHeader({ ...owner(), name: "d", type: "5", size: 4000, mode: 0o755 }),
      file("x"),
      buildHeader({ ...owner(), name: "y", type: "1", linkName: "x", size: 9, mode: 0o644 }),
    ],
    outcome: ["d/", "x = evil", "y = evil"],
  },
  {
    what: "100 GiB that are not there",
    entries: [buildHeader({ ...owner(), name: "x", size: 100 * 2 ** 30 })],
    outcome: "content.bad-tar",
  },
  {
    what: "100 GiB of holes",
    entries: [sparse("x", { "GNU.sparse.size": String(100 * 2 ** 30) }, "0,1", "x")],
    outcome: "storage.layer-too-large",
  },
  {
    what: "sparse files of all formats in PAX",
    entries: [
      sparse("s", { "GNU.sparse.size": "6" }, "1,2,4,1", "abc"),
      pax(
        "t",
        {
          "GNU.sparse.major": "1",
          "GNU.sparse.minor": "0",
          "GNU.sparse.realsize": "4",
          "GNU.sparse.name": "u",
        },
        `1\n2\n2\n${"\0".repeat(506)}yz`,
      ),
    ],
    outcome: ["s = \0ab\0c\0", "u = \0\0yz"],
  },
  {
    what: "a sparse map that overlaps itself",
    entries: [sparse("s", { "GNU.sparse.size": "6" }, "1,3,2,1", "abcd")],
    outcome: "content.bad-tar",
  },
  {
    what: "a sparse map of less than there is",
    entries: [sparse("s", { "GNU.sparse.size": "6" }, "1,2", "abcd")],
    outcome: "content.bad-tar",
  },
  {
    what: "global headers, twice",
    entries: [
      layerEntry({ name: "g", type: "g" }, "17 path=/outside\n"),
      layerEntry({ name: "g", type: "g" }, "17 path=/outside\n"),
      file("x"),
    ],
    outcome: ["x = evil"],
  },
  {
    what: "names that are not UTF-8",
    entries: [pax("n", { path: '\xff\xfe/\x01\n"' }, "raw")],
    outcome: ["\xff\xfe/", '\xff\xfe/\x01\n" = raw'],
  },
  {
    what: "a name that is too long",
    entries: [file("n".repeat(256))],
    outcome: "storage.bad-layer",
  },
  {
    what: "a path that is too long",
    entries: [file("n/".repeat(3000))],
    outcome: "storage.bad-layer",
  },
  {
    what: "a path that links make too long",
    entries: [folder(long("n")), symlink("l", long("n")), file(`l/${long("m")}/x`)],
    outcome: "storage.bad-layer",
  },
  {
    what: "overlayfs' own attributes",
    entries: [
      pax("x", {
        "SCHILY.xattr.trusted.overlay.redirect": "/",
        "SCHILY.xattr.user.overlay.opaque": "y",
      }),
    ],
    outcome: ["x = "],
  },
];

/** A path of 3000 bytes. */
function long(letter: string): string {
  return Array(12).fill(letter.repeat(249)).join("/");
}

function owner() {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** A file of format 0.1. */
function sparse(
  name: string,
  records: Record<string, string>,
  map: string,
  payload: string,
): Buffer {
  const count = String(map.split(",").length / 2);
  const own = { "GNU.sparse.map": map, "GNU.sparse.numblocks": count };
  return pax(name, { ...own, ...records }, payload);
}

/** What no layer may touch, and how it looks. */
function guarded(temp: TempFolder): () => void {
  mkdirSync(temp.in("outside"));
  writeFileSync(temp.in("outside", "secret"), "secret");
  linkSync(temp.in("outside", "secret"), temp.in("secret"));
  symlinkSync("outside", temp.in("way"));
  const before = statSync(temp.in("secret"));
  return () => {
    assert.deepEqual(treeOf(temp.in("outside")), ["secret = secret"]);
    const { ctimeMs, nlink } = statSync(temp.in("secret"));
    assert.deepEqual([ctimeMs, nlink], [before.ctimeMs, before.nlink]);
    assert.equal(readFileSync("/etc/passwd", "utf8").includes("evil"), false);
  };
}

for (const { what, entries, outcome, needsRoot = false } of layers) {
  test(`a layer with ${what} is contained or refused`, { skip: needsRoot && !isRoot }, async () => {
    await using temp = await tempFolder();
    const check = guarded(temp);
    const open = readdirSync("/proc/self/fd").length;
    const tar = layerOf(...entries);
    for (const blob of [tar, gzipSync(tar)]) {
      if (typeof outcome === "string") {
        await assert.rejects(unpackUnconfined(temp, blob), { code: outcome });
      } else {
        const layer = await unpackUnconfined(temp, blob);
        assert.deepEqual(treeOf(layer.folder), outcome.toSorted());
        assert.deepEqual(reassembled(layer), tar);
      }
      check();
      assert.equal(readdirSync("/proc/self/fd").length, open);
    }
  });
}

test("a layer of more than it may be is refused", async () => {
  await using temp = await tempFolder();
  const many = layerOf(...Array.from({ length: 50 }, (_, index) => file(`f${index}`, "")));
  await unpackUnconfined(temp, many, { limits: { maxEntries: 50 } });
  await assert.rejects(unpackUnconfined(temp, many, { limits: { maxEntries: 49 } }), {
    code: "storage.layer-too-large",
  });
  await assert.rejects(unpackUnconfined(temp, many, { limits: { maxBusyMs: -1 } }), {
    code: "storage.layer-too-large",
  });
  const zeros = Buffer.alloc(1_000_000);
  const bomb = gzipSync(Buffer.concat([layerEntry({ name: "zeros" }, zeros), endOfTar]));
  await unpackUnconfined(temp, bomb, { limits: { freeBytes: 0 } });
  await assert.rejects(unpackUnconfined(temp, bomb, { limits: { freeBytes: 0, maxRatio: 100 } }), {
    code: "content.bad-compression",
  });
});
