import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { getXattrOf, listXattrsOf } from "../../../src/libc/xattr.ts";
import type { TarFields } from "../../../src/stream/tar/builder.ts";
import { type StorageDriver, testStore } from "../../support/debian-store.ts";
import { layerEntry, layerOf, unpackUnconfined } from "../../support/layers.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { imageOfTars } from "../../support/odd-layers.ts";
import { skipWithout } from "../../support/peers.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const skip = (process.getuid?.() !== 0 && "needs root") || skipWithout("skopeo");

const started = Date.now();

const pax = (records: Record<string, string>) => ({ pax: new Map(Object.entries(records)) });
const at = (seconds: number, nanoseconds = 0) => ({ mtime: { seconds, nanoseconds } });
const plain = (name: string, fields: Partial<TarFields> = {}, payload = name) =>
  layerEntry({ name, ...fields }, Buffer.from(payload));
const folder = (name: string, fields: Partial<TarFields> = {}) =>
  layerEntry({ name, type: "5", mode: 0o755, ...fields });

const capability = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

const lower = layerOf(
  folder("./", { mode: 0o700, uid: 7 }),
  folder("etc", { mode: 0o2751, uid: 3, gid: 4, ...at(500, 7) }),
  plain("etc/setuid", { mode: 0o6755, uid: 1, gid: 2 }),
  plain("etc/in-setgid"),
  plain("etc/sticky", { mode: 0o1000, ...at(1e9, 123_456_789) }),
  plain("cap", pax({ "SCHILY.xattr.security.capability": capability })),
  plain("xattr", pax({ "SCHILY.xattr.user.a": "\0=\xff", "SCHILY.xattr.user.b": "b" })),
  folder("xattr-folder", pax({ "SCHILY.xattr.user.f": "x", mtime: "12.5", atime: "13" })),
  layerEntry({ name: "tty", type: "3", mode: 0o620, gid: 5, deviceMajor: 4, deviceMinor: 700 }),
  layerEntry({ name: "disk", type: "4", mode: 0o660, deviceMajor: 259, deviceMinor: 3 }),
  layerEntry({ name: "pipe", type: "6", mode: 0o622 }),
  layerEntry({ name: "soft", type: "2", linkName: "etc/setuid", uid: 9, ...at(-77) }),
  layerEntry({ name: "hard-to-soft", type: "1", linkName: "soft", uid: 9 }),
  layerEntry({ name: "hard", type: "1", linkName: "/etc/sticky", mode: 0o1000, ...at(5) }),
  layerEntry({ name: "dangling", type: "2", linkName: "../../no/where" }),
  folder("real"),
  layerEntry({ name: "real-link", type: "2", linkName: "/real" }),
  plain("real-link/through"),
  plain("../escape"),
  plain("/abs/file"),
  plain("implicit/a/b/c"),
  plain("ancient", at(-1)),
  plain("far", at(9_300_000_000)),
  plain(`${"n".repeat(99)}/${"m".repeat(150)}`),
  layerEntry({ name: "x", ...pax({ path: "bytes-\xff\xfe" }) }, "raw"),
  plain("replaced/was-folder"),
  plain("replaced-too"),
  plain("gone/file"),
  plain("veiled/below/file"),
  folder("kept", at(123)),
  plain("kept/file"),
);

const upper = layerOf(
  plain("replaced", at(9)),
  folder("replaced-too", at(10)),
  plain(".wh.gone", { uid: 11, gid: 12 }, ""),
  plain("gone/.wh.below", {}, ""),
  plain(".wh.never-there", {}, ""),
  plain("veiled/.wh..wh..opq", {}, ""),
  plain("veiled/new"),
  plain(".wh..wh.plnk/1.1"),
  layerEntry({ name: "hard", type: "2", linkName: "soft" }),
  plain("etc/in-setgid", { gid: 77 }),
  plain("kept/more"),
);

/** Everything that can be seen of a tree; a time of this very run is none, and the root's says when it was last worked on. */
function facts(root: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const walk = (path: Buffer) => {
    const stat = lstatSync(path, { bigint: true });
    const name = path.subarray(Buffer.byteLength(root)).toString("latin1");
    const { mode, uid, gid, nlink, rdev, mtimeNs, mtimeMs } = stat;
    found[name] = {
      ...{ mode: mode.toString(8), uid, gid, rdev },
      // Where skopeo copies a tree, links to links come apart.
      nlink: stat.isSymbolicLink() ? undefined : nlink,
      time: name === "" || (mtimeMs >= started - 1000 && mtimeMs < 4e12) ? "now" : mtimeNs,
      content: contentOf(path, stat),
      xattrs: xattrsOf(path),
    };
    if (!stat.isDirectory()) return;
    for (const each of readdirSync(path, { encoding: "buffer" })) {
      walk(Buffer.concat([path, Buffer.from("/"), each]));
    }
  };
  walk(Buffer.from(root));
  return found;
}

function contentOf(path: Buffer, stat: { isFile(): boolean; isSymbolicLink(): boolean }) {
  if (stat.isSymbolicLink()) return readlinkSync(path, "latin1");
  return stat.isFile() ? readFileSync(path, "latin1") : "";
}

function xattrsOf(path: Buffer) {
  const terminated = Buffer.concat([path, Buffer.from("\0")]);
  return listXattrsOf(terminated)
    .toSorted()
    .map((name) => [name, getXattrOf(terminated, name)?.toString("latin1")]);
}

/** The trees of a store that skopeo has filled, lowest first. */
async function skopeosTrees(temp: TempFolder, driver: StorageDriver) {
  await writeLayoutFolder(temp.in("layout"), imageOfTars([lower, upper]));
  const store = await testStore(driver);
  await store.fill(`oci:${temp.in("layout")}:latest`, "localhost/odd:latest");
  const records = JSON.parse(
    readFileSync(join(store.root, `${driver}-layers`, "layers.json"), "utf8"),
  );
  const base = records.find((record: { parent?: string }) => record.parent === undefined);
  const top = records.find((record: { parent?: string }) => record.parent === base.id);
  const tree = ({ id }: { id: string }) =>
    driver === "overlay" ? join(store.root, driver, id, "diff") : join(store.root, "vfs/dir", id);
  return { store, records: [base, top], trees: [tree(base), tree(top)] as const };
}

test("a layer's tree is for overlay what skopeo makes of it", { skip }, async () => {
  await using temp = await tempFolder();
  const theirs = await skopeosTrees(temp, "overlay");
  await using _ = theirs.store;
  for (const [index, tar] of [lower, upper].entries()) {
    const ours = await unpackUnconfined(temp, tar, { mode: 0o555 });
    assert.deepEqual(facts(ours.folder), facts(theirs.trees[index] ?? ""));
    assert.deepEqual(ours.uids, theirs.records[index].uidset);
    assert.deepEqual(ours.gids, theirs.records[index].gidset);
  }
});

test("a layer's tree is for vfs what skopeo makes of it", { skip }, async () => {
  await using temp = await tempFolder();
  const theirs = await skopeosTrees(temp, "vfs");
  await using _ = theirs.store;
  const base = await unpackUnconfined(temp, lower, { whiteouts: "vfs", mode: 0o555 });
  assert.deepEqual(facts(base.folder), facts(theirs.trees[0]));
  const before = (folder: string) => {
    execFileSync("cp", ["-a", "--reflink=auto", `${theirs.trees[0]}/.`, folder]);
  };
  const top = await unpackUnconfined(temp, upper, { whiteouts: "vfs", before });
  assert.deepEqual(facts(top.folder), facts(theirs.trees[1]));
});
