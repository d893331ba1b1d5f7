import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { heldWorld } from "./held-world.ts";

const world = () => heldWorld("oci", (folder) => `oci:${folder}`);

test("an image that a layout has whole is asked after by one HEAD, and nothing is written", async () => {
  await using at = await world();
  const first = await at.copy("image", "-q");
  assert.ok(first.asked.includes("GET manifest"));
  assert.ok(!first.asked.includes("HEAD manifest"), "what is not there is not asked after");
  const { mtimeMs } = await stat(`${at.layout}/index.json`);
  const second = await at.copy("image", "-q");
  assert.deepEqual(second.asked, ["HEAD manifest"]);
  assert.equal((await stat(`${at.layout}/index.json`)).mtimeMs, mtimeMs);
  await at.copy("list", "-q", "--all");
  assert.deepEqual((await at.copy("list", "-q", "--all")).asked, ["HEAD manifest"]);
});

test("a copy into a layout that has the image says what one says that brings it", async () => {
  await using at = await world();
  for (const words of [["image"], ["list", "--all"], ["list"]]) {
    const [image = "", ...flags] = words;
    const [first, second] = [await at.copy(image, ...flags), await at.copy(image, ...flags)];
    assert.equal(second.stdout, first.stdout, words.join(" "));
    assert.notEqual(first.stdout, "");
  }
});

test("whatever a layout lacks of an image is brought again", async () => {
  await using at = await world();
  await at.copy("image", "-q");
  await at.copy("list", "-q", "--all");
  const blobs = `${at.layout}/blobs/sha256`;
  const names = await readdir(blobs);
  const whole = new Map<string, Buffer>();
  for (const name of names) whole.set(name, await readFile(`${blobs}/${name}`));
  const settled = async (why: string) => {
    await at.copy("image", "-q");
    await at.copy("list", "-q", "--all");
    assert.deepEqual((await readdir(blobs)).toSorted(), names.toSorted(), why);
    for (const name of names)
      assert.ok(whole.get(name)?.equals(await readFile(`${blobs}/${name}`)), `${why}: ${name}`);
  };
  for (const name of names) {
    await rm(`${blobs}/${name}`);
    await settled(`without ${name}`);
    await truncate(`${blobs}/${name}`, 1);
    await settled(`${name} cut short`);
  }
  await rm(`${at.layout}/oci-layout`);
  await at.copy("image", "-q");
  assert.match(await readFile(`${at.layout}/oci-layout`, "utf8"), /1\.0\.0/);
});

test("a name that another image has got, or two entries have, is not taken for the image", async () => {
  await using at = await world();
  await at.copy("image", "-q");
  const index = `${at.layout}/index.json`;
  const { manifests, ...rest } = JSON.parse(await readFile(index, "utf8"));
  await writeFile(index, JSON.stringify({ ...rest, manifests: [...manifests, ...manifests] }));
  assert.ok((await at.copy("image", "-q")).asked.includes("GET manifest"));
  const other = makeImage({ seed: 10, type: "oci" });
  at.registry.seed("made", "image", other);
  const { asked } = await at.copy("image", "-q");
  assert.ok(asked.includes("GET manifest"));
  assert.ok((await readFile(index, "utf8")).includes(other.digest));
});
