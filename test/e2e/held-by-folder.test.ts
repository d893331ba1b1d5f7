import assert from "node:assert/strict";
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { test } from "node:test";
import { hexOf, parseDigest } from "../../src/core/digest.ts";
import { fakeBytes } from "../sigstore/lookaside/support.ts";
import { makeImage, type TestImage } from "../support/images.ts";
import { heldWorld } from "./held-world.ts";

const world = () => heldWorld("docker", (folder) => `dir:${folder}`);

async function filesIn(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(folder)).toSorted())
    files.set(name, await readFile(`${folder}/${name}`));
  return files;
}

/** The image's files and no others. */
async function assertHolds(folder: string, { bytes, blobs }: TestImage) {
  const files = await filesIn(folder);
  assert.equal(files.size, blobs.size + 2);
  assert.ok(files.get("manifest.json")?.equals(bytes));
  for (const [digest, content] of blobs)
    assert.ok(files.get(hexOf(parseDigest(digest)))?.equals(content), digest);
}

test("an image that a folder has whole is asked after by one HEAD, and nothing is written", async () => {
  await using at = await world();
  const first = await at.copy("image", "-q");
  assert.ok(!first.asked.includes("HEAD manifest"), "what is not there is not asked after");
  const { ino, mtimeMs } = await stat(`${at.folderOf("image")}/manifest.json`);
  assert.deepEqual((await at.copy("image", "-q")).asked, ["HEAD manifest"]);
  const after = await stat(`${at.folderOf("image")}/manifest.json`);
  assert.deepEqual([after.ino, after.mtimeMs], [ino, mtimeMs]);
  await at.copy("list", "-q", "--all");
  assert.deepEqual((await at.copy("list", "-q", "--all")).asked, ["HEAD manifest"]);
});

test("a copy into a folder that has the image says what one says that brings it", async () => {
  await using at = await world();
  for (const words of [["image"], ["list", "--all"]]) {
    const [image = "", ...flags] = words;
    const [first, second] = [await at.copy(image, ...flags), await at.copy(image, ...flags)];
    assert.equal(second.stdout, first.stdout, words.join(" "));
    assert.notEqual(first.stdout, "");
  }
});

test("whatever a folder lacks of an image, or has too much, is put right", async () => {
  await using at = await world();
  for (const [image, ...flags] of [["image"], ["list", "--all"]] as const) {
    const folder = at.folderOf(image);
    await at.copy(image, "-q", ...flags);
    const whole = await filesIn(folder);
    const settled = async (why: string) => {
      await at.copy(image, "-q", ...flags);
      assert.deepEqual(await filesIn(folder), whole, why);
    };
    for (const name of whole.keys()) {
      if (name === "version") continue; // without it the folder is somebody else's
      await rm(`${folder}/${name}`);
      await settled(`without ${name}`);
      await truncate(`${folder}/${name}`, 1);
      await settled(`${name} cut short`);
      await writeFile(`${folder}/${name}`, Buffer.alloc(whole.get(name)?.length ?? 0));
      await settled(`${name} zeroed`);
    }
    for (const name of ["signature-1", "a".repeat(64), "notes"]) {
      await writeFile(`${folder}/${name}`, "left over");
      await settled(`with ${name}`);
    }
  }
});

test("another image brings what the folder's does not have, and takes over what is what its name says", async () => {
  await using at = await world();
  const [one, other] = [makeImage({ seed: 8 }), makeImage({ seed: 8, labels: { changed: "yes" } })];
  const folder = at.folderOf("image");
  await at.copy("image", "-q");
  at.registry.seed("made", "image", other);
  const brought = await at.copy("image", "-q");
  assert.equal(brought.asked.filter((each) => each === "GET blob").length, 1, "the config alone");
  await assertHolds(folder, other);
  const layer = one.layers[0];
  assert.ok(layer);
  await writeFile(`${folder}/${hexOf(layer.digest)}`, Buffer.alloc(layer.size));
  at.registry.seed("made", "image", one);
  const again = await at.copy("image", "-q");
  assert.equal(again.asked.filter((each) => each === "GET blob").length, 2, "and what was spoilt");
  await assertHolds(folder, one);
});

test("layers that are to be packed or unpacked are not taken over as the folder has them", async () => {
  await using at = await world();
  const image = { seed: 8, type: "oci" } as const;
  for (const [compression, flag] of [
    ["gzip", "--dest-decompress"],
    ["none", "--dest-compress"],
  ] as const) {
    at.registry.seed("made", "image", makeImage({ ...image, compression }));
    const folder = at.folderOf("image");
    await at.copy("image", "-q", flag);
    const changed = await filesIn(folder);
    await at.copy("image", "-q");
    assert.notDeepEqual(await filesIn(folder), changed);
    await at.copy("image", "-q", flag);
    assert.deepEqual(await filesIn(folder), changed, flag);
  }
});

test("a link where a blob should be is replaced by the blob, wherever it leads", async () => {
  await using at = await world();
  const [image, next] = [
    makeImage({ seed: 8 }),
    makeImage({ seed: 8, labels: { changed: "yes" } }),
  ];
  const folder = at.folderOf("image");
  const [layer] = image.layers;
  assert.ok(layer);
  const path = `${folder}/${hexOf(layer.digest)}`;
  const elsewhere = at.home.folder.in("elsewhere");
  for (const target of [elsewhere, path, at.home.folder.in("nowhere")]) {
    at.registry.seed("made", "image", image);
    await at.copy("image", "-q");
    await writeFile(elsewhere, await readFile(path));
    await rm(path);
    await symlink(target, path);
    at.registry.seed("made", "image", next);
    await at.copy("image", "-q");
    assert.ok((await lstat(path)).isFile(), target);
    await assertHolds(folder, next);
  }
});

test("a signature that came to an image since is brought along with the whole image, once there with it again", async () => {
  await using at = await world();
  const folder = at.folderOf("image");
  const { digest, blobs } = makeImage({ seed: 8 });
  await at.copy("image", "-q");
  const signatures = at.home.folder.in("look", `made@${digest.replace(":", "=")}`);
  await mkdir(signatures, { recursive: true });
  await writeFile(`${signatures}/signature-1`, fakeBytes("one"));
  const lookaside = `default-docker: {lookaside: "file://${at.home.folder.in("look")}"}`;
  await at.home.write(".config/containers/registries.d/a.yaml", lookaside);
  for (const image of ["unsigned", "signed"]) {
    const { asked } = await at.copy("image", "-q");
    assert.ok(!asked.includes("GET blob"), `${image}: what is there is taken over`);
    const files = await filesIn(folder);
    assert.equal(files.size, blobs.size + 3, image);
    assert.ok(files.get("signature-1")?.equals(fakeBytes("one")), image);
    for (const [blob, content] of blobs)
      assert.ok(files.get(hexOf(parseDigest(blob)))?.equals(content), `${image}: ${blob}`);
  }
  await rm(`${signatures}/signature-1`);
  await at.copy("image", "-q");
  await assertHolds(folder, makeImage({ seed: 8 }));
});
