import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import { createDirTransport } from "../../../src/transport/dir/transport.ts";
import { createOciTransport } from "../../../src/transport/oci/transport.ts";
import { systemError, watchFiles } from "../../layout/faulty-files.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { tempFolder } from "../../support/temp.ts";
import { readFrom, writeTo } from "../small-copy.ts";

const dir = createDirTransport();
const { signal } = new AbortController();
const image = (seed: number) => makeImage({ seed, type: "docker", layers: 2 });
const version = "Directory Transport Version: 1.1\n";
const notOurs = {
  code: "transport.unsupported",
  message: "not a containers image directory, don't want to overwrite important data",
};

function filesOf(seed: number): readonly string[] {
  return [...image(seed).blobs.keys()]
    .map((digest) => digest.slice(7))
    .concat(["manifest.json", "version"])
    .sort();
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path)).sort();
}

test("dir: a folder is what skopeo 1.22 makes of it", async () => {
  await using folder = await tempFolder();
  await writeTo(dir, folder.in("image"), image(1));
  assert.deepEqual(await namesIn(folder.in("image")), filesOf(1));
  assert.equal(await readFile(folder.in("image", "version"), "utf8"), version);
  for (const name of filesOf(1)) {
    assert.equal((await stat(folder.in("image", name))).mode & 0o777, 0o644);
  }
  const list = makeMultiArch({ seed: 2 });
  await writeTo(dir, folder.in("image"), list);
  const instances = list.manifests
    .slice(0, -1)
    .map(({ bytes }) => `${hexOf(digestOf(bytes))}.manifest.json`);
  assert.deepEqual(
    await namesIn(folder.in("image")),
    [...list.blobs.keys()]
      .map((digest) => digest.slice(7))
      .concat(instances, ["manifest.json", "version"])
      .sort(),
  );
});

test("dir: digests of another algorithm spell it out, and make it version 1.2", async () => {
  await using folder = await tempFolder();
  const other = makeImage({ seed: 3, algorithm: "sha512", layers: 1 });
  await writeTo(dir, folder.in("image"), other);
  const [layer] = other.layers;
  assert.ok(layer);
  assert.ok((await namesIn(folder.in("image"))).includes(`sha512-${hexOf(layer.digest)}`));
  assert.equal(
    await readFile(folder.in("image", "version"), "utf8"),
    "Directory Transport Version: 1.2\n",
  );
  await rename(
    folder.in("image", `sha512-${hexOf(layer.digest)}`),
    folder.in("image", hexOf(layer.digest)),
  );
  assert.equal(await readFrom(dir, folder.in("image")), other.digest); // as skopeo 1.22 names it
  await writeTo(dir, folder.in("image"), image(1));
  assert.deepEqual(await namesIn(folder.in("image")), filesOf(1));
});

test("dir: a folder that is there stays the same one, with its mode", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("image"), { mode: 0o750 });
  await symlink("image", folder.in("link"));
  const before = await stat(folder.in("image"));
  for (const seed of [1, 2]) {
    await writeTo(dir, folder.in("link"), image(seed));
    const after = await stat(folder.in("image"));
    assert.equal(after.ino, before.ino);
    assert.equal(after.mode, before.mode);
    assert.deepEqual(await namesIn(folder.in("image")), filesOf(seed));
  }
});

test("dir: a folder of something else is refused before anything is written", async () => {
  await using folder = await tempFolder();
  const table: readonly (readonly [name: string, content: string])[] = [
    ["notes.txt", "mine"],
    ["manifest.json", "{}"],
    ["version", "Directory Transport Version: 1.1"],
    ["version", "Directory Transport Version: 2.0\n"],
    [".amphora-notes", ""],
  ];
  for (const [index, [name, content]] of table.entries()) {
    const path = folder.in(`folder-${index}`);
    await mkdir(path);
    await writeFile(`${path}/${name}`, content);
    await assert.rejects(writeTo(dir, path, image(1)), notOurs);
    assert.deepEqual(await readdir(path), [name]);
  }
  await writeFile(folder.in("file"), "");
  await assert.rejects(writeTo(dir, folder.in("file"), image(1)), {
    code: "layout.unreadable",
    message: `open ${folder.in("file")}: not a directory`,
  });
  assert.ok((await namesIn(folder.path)).every((name) => !name.startsWith(".amphora")));
});

test("dir: a folder whose mark was not written any more is an empty one, if there is nothing else", async () => {
  await using folder = await tempFolder();
  const target = folder.in("marked");
  await mkdir(target);
  await writeFile(`${target}/version`, "");
  await writeFile(`${target}/other`, "");
  await assert.rejects(writeTo(dir, target, image(1)), notOurs);
  await rm(`${target}/other`);
  await writeTo(dir, target, image(1));
  assert.deepEqual(await namesIn(target), filesOf(1));
});

test("dir: what else was in the folder of an image goes, as with skopeo, but not before the end", async () => {
  await using folder = await tempFolder();
  await writeTo(dir, folder.in("image"), image(1));
  await mkdir(folder.in("image", "sub"));
  await writeFile(folder.in("image", "sub", "file"), "");
  await writeFile(folder.in("image", "signature-1"), Buffer.from([0x89, 1]));
  const reference = await dir.resolve(folder.in("image"), "destination", { signal });
  {
    await using _given = await dir.openDestination(reference, { signal });
  }
  assert.deepEqual(await namesIn(folder.in("image")), [...filesOf(1), "signature-1", "sub"].sort());
  await writeTo(dir, folder.in("image"), image(2));
  assert.deepEqual(await namesIn(folder.in("image")), filesOf(2));
});

test("dir: folders in place of an image's files give way to them", async () => {
  await using folder = await tempFolder();
  await writeTo(dir, folder.in("image"), image(1));
  for (const name of [...filesOf(1), "signature-1"].filter((each) => each !== "version")) {
    await rm(folder.in("image", name), { force: true });
    await mkdir(folder.in("image", name, "sub"), { recursive: true });
  }
  await writeTo(dir, folder.in("image"), image(1));
  assert.deepEqual(await namesIn(folder.in("image")), filesOf(1));
  assert.ok((await stat(folder.in("image", "manifest.json"))).isFile());
  assert.deepEqual(await namesIn(folder.in()), ["image"]);
});

test("dir: an image is not written over itself, nor over a folder that holds it", async () => {
  await using folder = await tempFolder();
  await writeTo(dir, folder.in("image"), image(1));
  await writeTo(dir, folder.in("image", "inner"), image(1));
  await symlink("image", folder.in("link"));
  for (const from of ["image", "link", "image/inner", "link/inner"]) {
    const origin = await dir.resolve(folder.in(from), "source", { signal });
    for (const to of ["image", "link"]) {
      const writing = writeTo(dir, folder.in(to), image(1), { origin });
      await assert.rejects(writing, { code: "transport.unsupported" }, `${from} to ${to}`);
    }
  }
  const oci = createOciTransport();
  const layout = await oci.resolve(`${folder.in("image", "layout")}:x`, "source", { signal });
  await assert.rejects(writeTo(dir, folder.in("image"), image(1), { origin: layout }), {
    code: "transport.unsupported",
  });
  assert.equal(await readFrom(dir, folder.in("image")), image(1).digest);
  assert.equal(await readFrom(dir, folder.in("image", "inner")), image(1).digest);
  const beside = await dir.resolve(folder.in("image"), "source", { signal });
  await writeTo(dir, folder.in("image-2"), image(1), { origin: beside });
});

test("dir: where the folder above is not ours to write in, the image is put together inside", async () => {
  await using folder = await tempFolder();
  await chmod(folder.path, 0o755);
  await mkdir(folder.in("above", "image"), { recursive: true });
  await chmod(folder.in("above", "image"), 0o777);
  await chmod(folder.in("above"), 0o555);
  try {
    await withoutRights(async () => {
      const reference = await dir.resolve(folder.in("above", "image"), "destination", { signal });
      {
        await using _given = await dir.openDestination(reference, { signal });
        const [inside] = await readdir(folder.in("above", "image"));
        assert.match(inside ?? "", /^\.amphora-/);
      }
      assert.deepEqual(await readdir(folder.in("above", "image")), []);
      for (const seed of [1, 2]) {
        await writeTo(dir, folder.in("above", "image"), image(seed));
        assert.deepEqual(await namesIn(folder.in("above", "image")), filesOf(seed));
      }
    });
  } finally {
    await chmod(folder.in("above"), 0o755);
  }
});

test("dir: where the folder is a mount of its own, files are copied over its edge", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("image"));
  for (const seed of [1, 2]) {
    using watched = await watchFiles((_nth, name, [from, to]) => {
      const leaves = dirname(String(from)) !== dirname(String(to));
      const crosses = [from, to].filter((path) => String(path).startsWith(folder.in("image")));
      if (name === "rename" && leaves && crosses.length === 1) throw systemError("EXDEV", name);
    });
    await writeTo(dir, folder.in("image"), image(seed));
    assert.ok(watched.calls.includes("copyFile"));
    assert.deepEqual(await namesIn(folder.in("image")), filesOf(seed));
    assert.equal(await readFrom(dir, folder.in("image")), image(seed).digest);
    assert.equal((await stat(folder.in("image", "manifest.json"))).mode & 0o777, 0o644);
  }
  assert.deepEqual(await readdir(folder.path), ["image"]);
});

test("dir: a folder that may not be written to is refused at once", async () => {
  await using folder = await tempFolder();
  await chmod(folder.path, 0o755);
  await mkdir(folder.in("above", "image"), { recursive: true });
  for (const name of ["above/image", "above/new"]) {
    await chmod(folder.in("above", "image"), 0o555);
    await chmod(folder.in("above"), 0o555);
    await withoutRights(async () => {
      const reference = await dir.resolve(folder.in(name), "destination", { signal });
      const opening = dir.openDestination(reference, { signal });
      await assert.rejects(opening, { code: "layout.unwritable" }, name);
    });
  }
  await chmod(folder.in("above"), 0o755);
});

/** Root may write anywhere; so it is somebody else for a while. */
async function withoutRights(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test("dir: two that write to one folder take turns, and it holds the image of one of them", async () => {
  await using folder = await tempFolder();
  for (const exists of [false, true]) {
    const path = folder.in(String(exists));
    if (exists) await mkdir(path);
    await Promise.all([1, 2, 3].map((seed) => writeTo(dir, path, image(seed))));
    const digest = await readFrom(dir, path);
    const seed = [1, 2, 3].find((each) => image(each).digest === digest);
    assert.ok(seed);
    assert.deepEqual(await namesIn(path), filesOf(seed));
  }
});

test("dir: signatures stand beside the manifest they are of", async () => {
  await using folder = await tempFolder();
  const list = makeMultiArch({ seed: 4 });
  await writeTo(dir, folder.in("list"), list);
  const [instance] = list.manifests.map(({ bytes }) => digestOf(bytes));
  assert.ok(instance);
  await writeFile(folder.in("list", "signature-1"), Buffer.from([0x89, 1]));
  await writeFile(folder.in("list", "signature-3"), Buffer.from([0x89, 3])); // behind a gap
  await writeFile(folder.in("list", `${hexOf(instance)}.signature-1`), Buffer.from([0x89, 2]));
  const reference = await dir.resolve(folder.in("list"), "source", { signal });
  await using source = await dir.openSource(reference, { signal });
  const bytesOf = async (digest: typeof instance) =>
    (await source.readSignatures(digest, { signal })).map(
      (each) => each.format === "simple-signing" && each.bytes[1],
    );
  assert.deepEqual(await bytesOf(list.digest), [1]);
  assert.deepEqual(await bytesOf(instance), [2]);
  await writeFile(folder.in("list", "signature-1"), "s");
  await assert.rejects(bytesOf(list.digest), {
    code: "transport.unreadable",
    message: `parsing signature "${folder.in("list", "signature-1")}": unrecognized signature format, starting with binary 0x73`,
  });
});

test("dir: layers are kept, compressed or unpacked, and not both", async () => {
  await using folder = await tempFolder();
  const layersOf = async (options: object) => {
    const transport = createDirTransport(options);
    const reference = await transport.resolve(folder.in("image"), "destination", { signal });
    await using destination = await transport.openDestination(reference, { signal });
    return destination.traits.layers;
  };
  assert.equal(await layersOf({}), "as-is");
  assert.equal(await layersOf({ compress: true }), "compressed");
  assert.equal(await layersOf({ decompress: true }), "plain");
  await assert.rejects(layersOf({ compress: true, decompress: true }), {
    code: "transport.unsupported",
    message: "Cannot compress and decompress at the same time",
  });
  assert.deepEqual(await readdir(folder.path), []);
});
