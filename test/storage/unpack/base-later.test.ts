import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { copyTree } from "../../../src/storage/copy-tree/copy-tree.ts";
import type { TarFields } from "../../../src/stream/tar/builder.ts";
import { layerEntry, layerOf, reassembled, unpackUnconfined } from "../../support/layers.ts";
import { randomBytesOf } from "../../support/random.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

type Entry = readonly [fields: TarFields, payload?: string];
const folder = (name: string, mode = 0o755): Entry => [{ name, type: "5", mode }];
const file = (name: string): Entry => [{ name }, `of the layer: ${name}`];
const symlink = (name: string, linkName: string): Entry => [{ name, type: "2", linkName }];
const link = (name: string, linkName: string): Entry => [{ name, type: "1", linkName }];

/** What there is below every layer of these tests. */
function makeBase(root: string): void {
  for (const name of ["a/b/c", "d", "usr/lib", "x/y"])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ["f", "a/f", "a/b/f", "a/b/c/f", "d/f", "usr/lib/f", "x/y/f"])
    writeFileSync(join(root, name), `of the base: ${name}`);
  symlinkSync("usr/lib", join(root, "lib"));
  symlinkSync("nothing", join(root, "dangling"));
  const script = `ln x/y/f x/linked; ln x/y/f x/again; chmod 2711 a x
    setfattr -n user.of.base -v 1 a 2>/dev/null; find . -exec touch -h -d @77.000000005 {} +`;
  execFileSync("sh", ["-c", script], { cwd: root });
}

/** Names, types, modes, owners, numbers of names, sizes, links, times of all but folders, attributes, contents. */
function listing(root: string): string {
  const script = `find . -type d -printf '%P %y %m %n %U:%G\\n'
    find . -not -type d -printf '%P %y %m %n %U:%G %s %T@ %l\\n'
    find . -type f -exec grep -H '' {} +; getfattr -h -R -d -m user . 2>/dev/null; true`;
  return execFileSync("sh", ["-c", script], { cwd: root, encoding: "latin1" })
    .split("\n")
    .sort()
    .join("\n");
}

/** What a layer gives whose base is laid below it when it is through; `again` where that cannot be. */
async function apart(temp: TempFolder, tar: Buffer, base: string): Promise<string> {
  const layer = await unpackUnconfined(temp, tar, { whiteouts: "vfs", base: "later", mode: 0o555 });
  assert.deepEqual(reassembled(layer), tar);
  const { cover } = layer;
  assert.ok(cover);
  if (cover === "again") return cover;
  const { signal } = new AbortController();
  const options = { signal, userNamespace: false, ignoreChownErrors: false, cover };
  return (await copyTree(base, layer.folder, options)) ? listing(layer.folder) : "again";
}

/** What it gives upon the base; its failure where it has one. */
async function upon(temp: TempFolder, tar: Buffer, base: string): Promise<string> {
  const before = (to: string) => void execFileSync("cp", ["-a", `${base}/.`, to]);
  try {
    return listing((await unpackUnconfined(temp, tar, { whiteouts: "vfs", before })).folder);
  } catch (error) {
    return String(error);
  }
}

const tarOf = (entries: readonly Entry[]) =>
  layerOf(...entries.map(([fields, payload]) => layerEntry(fields, payload)));

for (const [what, ...entries] of [
  ["nothing"],
  ["new and replaced files", folder("a"), file("a/f"), file("new"), file("f")],
  ["folders that it does not speak of", file("a/b/new"), file("n/m/new"), file("x/y/f")],
  ["a folder's own mode", folder("a", 0o700), folder("a/b", 0o1777)],
  ["the root's own mode", folder("./", 0o711), file("new")],
  ["a file in place of a folder, and the other way round", file("a"), folder("f"), file("f/n")],
  ["a folder in place of a link to one", folder("lib"), file("lib/new")],
  ["a folder that is made anew", file(".wh.a"), folder("a"), folder("a/b"), file("a/b/new")],
  ["a folder that was a file on the way", file("a"), folder("a"), file("a/new")],
  ["files taken away", folder("a"), file("a/.wh.f"), file("x/.wh.linked"), file("n/.wh.f")],
  ["a whiteout behind its file", file("a/f"), file("a/.wh.f"), file(".wh..wh.aufs")],
  ["opaque folders", folder("a"), file("a/.wh..wh..opq"), file("a/n"), file("x/.wh..wh..opq")],
  ["an opaque root", file(".wh..wh..opq"), file("new")],
  ["links within", file("a/n"), link("a/l", "a/n"), symlink("s", "a"), file("s/through")],
] as const satisfies readonly (readonly [string, ...Entry[]])[]) {
  test(`a base that is laid below later gives the same tree: ${what}`, async () => {
    await using temp = await tempFolder();
    mkdirSync(temp.in("base"));
    makeBase(temp.in("base"));
    const tar = tarOf(entries as readonly Entry[]);
    assert.equal(await apart(temp, tar, temp.in("base")), await upon(temp, tar, temp.in("base")));
  });
}

for (const [what, ...entries] of [
  ["a link to a file of it", file("a/n"), link("linked", "x/y/f"), file("a/after")],
  ["a folder that is a link there", file("lib/new")],
  ["a folder that is a file there", file("f/.wh.new")],
  ["a link of its own that leads there", symlink("s", "x/y"), file("s/new")],
] as const satisfies readonly (readonly [string, ...Entry[]])[]) {
  test(`a layer is unpacked again upon a base that it needs: ${what}`, async () => {
    await using temp = await tempFolder();
    mkdirSync(temp.in("base"));
    makeBase(temp.in("base"));
    assert.equal(await apart(temp, tarOf(entries as readonly Entry[]), temp.in("base")), "again");
  });
}

test("layers of all kinds come out the same, or are unpacked again", async () => {
  await using temp = await tempFolder();
  mkdirSync(temp.in("base"));
  makeBase(temp.in("base"));
  let same = 0;
  for (let seed = 1; seed <= (process.env["AMPHORA_SOAK"] ? 1000 : 40); seed++) {
    const tar = tarOf(randomEntries(seed));
    const found = await apart(temp, tar, temp.in("base"));
    if (found === "again") continue;
    const expected = await upon(temp, tar, temp.in("base"));
    // What is in an entry's way, and taken away by a later one, is in nobody's way here.
    if (expected.startsWith("UnpackError") && tar.includes(".wh.")) continue;
    assert.equal(found, expected, `seed ${seed}`);
    same += 1;
  }
  assert.ok(same > 3);
});

/** Names that often meet, in the base and among themselves. */
function randomEntries(seed: number): readonly Entry[] {
  const bytes = randomBytesOf(seed, 256);
  let at = 0;
  const draw = (below: number) => (bytes[at++ % bytes.byteLength] ?? 0) % below;
  const one = <T>(values: readonly T[]): T => values[draw(values.length)] as T;
  const name = () =>
    Array.from({ length: 1 + draw(3) }, () => one(["a", "b", "f", "x", "lib", "n"])).join("/");
  const kinds: readonly (() => Entry)[] = [
    () => file(name()),
    () => folder(name(), one([0o755, 0o700])),
    () => folder(name()),
    () => symlink(name(), one(["a", "f", "n", "/x"])),
    () => link(name(), name()),
    () => file(name().replace(/[^/]+$/, (last) => `.wh.${last}`)),
    () => file(name().replace(/[^/]+$/, ".wh..wh..opq")),
  ];
  const entries = Array.from({ length: 1 + draw(7) }, () => one(kinds)());
  // Behind what lies in it, an opaque marker leaves implied folders their modes from below, or does not: nobody's business.
  const isOpaque = ([{ name }]: Entry) => name.endsWith(".wh..wh..opq");
  return [...entries.filter(isOpaque), ...entries.filter((entry) => !isOpaque(entry))];
}
