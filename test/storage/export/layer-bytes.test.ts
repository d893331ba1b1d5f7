import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type LayerParts,
  layerBytes,
  whatChanged,
} from "../../../src/storage/export/layer-bytes.ts";
import { type StorageDriver, testStore } from "../../support/debian-store.ts";
import { makeLayer } from "../../support/images.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { imageOfTars, oddTar } from "../../support/odd-layers.ts";
import { skipWithout } from "../../support/peers.ts";
import { skipUnprivileged } from "../../support/podman.ts";
import { run } from "../../support/run.ts";
import { tempFolder } from "../../support/temp.ts";

const skip = skipWithout("skopeo") || skipUnprivileged();

interface Layer {
  readonly parts: LayerParts;
  readonly tar: Buffer;
}

/** A layer as Debian's skopeo stores it. */
async function withLayer(
  driver: StorageDriver,
  work: (layer: Layer) => Promise<void>,
): Promise<void> {
  await using folder = await tempFolder();
  await using store = await testStore(driver);
  const tar = await oddTar(1);
  const other = gunzipSync(makeLayer(5, 3000).bytes);
  await writeLayoutFolder(folder.path, imageOfTars([tar, other]));
  await store.fill(`oci:${folder.path}`, "odd");
  const records: readonly Record<string, string>[] = JSON.parse(
    await readFile(join(store.root, `${driver}-layers`, "layers.json"), "utf8"),
  );
  const { id = "" } = records.find(({ parent }) => parent === undefined) ?? {};
  const tree =
    driver === "overlay"
      ? join(store.root, "overlay", id, "diff")
      : join(store.root, "vfs/dir", id);
  const tarSplit = join(store.root, `${driver}-layers`, `${id}.tar-split.gz`);
  await work({ parts: { folders: [tree], tarSplit }, tar });
}

async function all(parts: LayerParts, from = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of layerBytes(parts, from)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

for (const driver of ["overlay", "vfs"] as const) {
  test(`layerBytes() gives a layer in ${driver} as it came, from any offset`, {
    skip,
  }, async () => {
    await withLayer(driver, async ({ parts, tar }) => {
      assert.ok((await all(parts)).equals(tar));
      const offsets = [1, 511, 512, 513, 5000, 1_000_000, 1_048_577, tar.byteLength - 1];
      for (const from of [...offsets, tar.byteLength]) {
        assert.ok((await all(parts, from)).equals(tar.subarray(from)), `from ${from}`);
      }
    });
  });
}

test("layerBytes() finds in a lower folder what is not in the layer's own", { skip }, async () => {
  await withLayer("overlay", async ({ parts, tar }) => {
    await using folder = await tempFolder();
    const folders = [folder.path, ...parts.folders];
    assert.ok((await all({ ...parts, folders })).equals(tar));
  });
});

/** What may become of a file since it was unpacked. */
const changes: Readonly<Record<string, (tree: string, outside: string) => Promise<void>>> = {
  async removed(tree) {
    await rm(join(tree, "big"));
  },
  async "gone, with all of its tree"(tree) {
    await rm(tree, { recursive: true });
  },
  async longer(tree) {
    await appendFile(join(tree, "big"), "x");
  },
  async "another content"(tree) {
    const bytes = await readFile(join(tree, "etc/file-513"));
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(join(tree, "etc/file-513"), bytes);
  },
  async "a folder"(tree) {
    await rm(join(tree, "big"));
    await mkdir(join(tree, "big"));
  },
  async "a link to the right content"(tree, outside) {
    const bytes = await readFile(join(tree, "etc/file-513"));
    await writeFile(join(outside, "file-513"), bytes);
    await rm(join(tree, "etc/file-513"));
    await symlink(join(outside, "file-513"), join(tree, "etc/file-513"));
  },
  async "behind a link that leads out"(tree, outside) {
    for (const name of await readdir(join(tree, "etc"))) {
      const path = join(tree, "etc", name);
      if (name.startsWith("file-")) await writeFile(join(outside, name), await readFile(path));
    }
    await rm(join(tree, "etc"), { recursive: true });
    await symlink(outside, join(tree, "etc"));
  },
};

test("layerBytes() tells of a file that is not what it was", { skip }, async (t) => {
  await withLayer("overlay", async ({ parts }) => {
    for (const [name, change] of Object.entries(changes)) {
      await t.test(name, async () => {
        await using copy = await tempFolder();
        await using outside = await tempFolder();
        const [from = ""] = parts.folders;
        await run("cp", ["-a", `${from}/.`, copy.path]);
        await change(copy.path, outside.path);
        await assert.rejects(all({ ...parts, folders: [copy.path] }), (error: { code?: string }) =>
          ["storage.changed-file", "storage.unreadable-file"].includes(error.code ?? ""),
        );
      });
    }
  });
});

test("layerBytes() leaves checksums to whoever makes a digest, and whatChanged() makes them then", {
  skip,
}, async () => {
  await withLayer("overlay", async ({ parts, tar }) => {
    assert.equal(await whatChanged(parts), undefined);
    const [tree = ""] = parts.folders;
    await changes["another content"]?.(tree, "");
    const chunks: Buffer[] = [];
    for await (const chunk of layerBytes(parts, 0, "unchecked")) chunks.push(Buffer.from(chunk));
    const given = Buffer.concat(chunks);
    assert.equal(given.byteLength, tar.byteLength);
    assert.ok(!given.equals(tar));
    const found = await whatChanged(parts);
    assert.equal((found as { code?: string }).code, "storage.changed-file");
  });
});

test("layerBytes() finds a file whose name in the tar ends in a slash", async () => {
  await using folder = await tempFolder();
  const tarSplit = folder.in("x.tar-split.gz");
  await writeFile(folder.in("file"), "hello");
  for (const name of [
    '"name":"file/"',
    `"name_raw":"${Buffer.from("file//").toString("base64")}"`,
  ]) {
    await writeFile(tarSplit, gzipSync(`{"type":1,${name},"size":5,"payload":"AAAAAAAAAAA="}`));
    const chunks: Buffer[] = [];
    const parts = { folders: [folder.path], tarSplit };
    for await (const chunk of layerBytes(parts, 0, "unchecked")) chunks.push(Buffer.from(chunk));
    assert.equal(Buffer.concat(chunks).toString(), "hello");
  }
});

test("layerBytes() tells of a tar-split that is not there or broken", async () => {
  await using folder = await tempFolder();
  const tarSplit = folder.in("x.tar-split.gz");
  const parts = { folders: [folder.path], tarSplit };
  assert.ok(!existsSync(tarSplit));
  await assert.rejects(all(parts), { code: "storage.no-tar-split" });
  const good = '{"type":2,"payload":"aGVsbG8=","position":0}\n';
  const broken: readonly (string | Buffer)[] = [
    "{",
    "[]",
    "null",
    '{"type":3}',
    '{"type":1,"name":"x","size":-1,"payload":"AAAAAAAAAAA="}',
    '{"type":1,"name":"x","size":1.5,"payload":"AAAAAAAAAAA="}',
    '{"type":1,"name":"x","size":1,"payload":null}',
    '{"type":1,"size":1,"payload":"AAAAAAAAAAA="}',
  ];
  for (const text of broken) {
    await writeFile(tarSplit, gzipSync(`${good}${text}`));
    await assert.rejects(all(parts), { code: "storage.bad-tar-split" });
  }
  await writeFile(tarSplit, gzipSync(good).subarray(0, -3));
  await assert.rejects(all(parts), { code: "storage.bad-tar-split" });
  for (const name of ["..", "/", "a\\u0000b", "../../../../../../../etc/passwd"]) {
    const line = `{"type":1,"name":"${name}","size":5,"payload":"AAAAAAAAAAA="}`;
    await writeFile(tarSplit, gzipSync(line));
    await assert.rejects(all(parts), { code: "storage.changed-file" });
  }
  await writeFile(tarSplit, gzipSync(`${good}${good}`));
  assert.equal((await all(parts)).toString(), "hellohello");
  await writeFile(tarSplit, gzipSync(""));
  assert.equal((await all(parts)).byteLength, 0);
});
