import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { createDirTransport } from "../../src/transport/dir/transport.ts";
import { createOciTransport } from "../../src/transport/oci/transport.ts";
import { makeImage, makeMultiArch } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { skopeo } from "../support/skopeo.ts";
import { tempFolder } from "../support/temp.ts";
import { readFrom, writeTo } from "./small-copy.ts";

const oci = createOciTransport();
const dir = createDirTransport();
const skip = skipWithout("skopeo");

/** Names, modes and content of all that is in a folder. */
async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const content: Record<string, string> = {};
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const found = await stat(join(folder, name));
    const bytes = found.isFile() ? await readFile(join(folder, name)) : Buffer.alloc(0);
    const shown = name.includes("/") ? digestOf(bytes) : asOlder(bytes.toString());
    content[name] = `${(found.mode & 0o777).toString(8)} ${shown}`;
  }
  return content;
}

/** skopeo 1.9 gives a new index.json no mediaType, and spaces oci-layout; 1.22 does as we do. */
function asOlder(text: string): string {
  return text
    .replace('"mediaType":"application/vnd.oci.image.index.v1+json","manifests"', '"manifests"')
    .replace('"imageLayoutVersion": ', '"imageLayoutVersion":');
}

async function copy(...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await skopeo(["copy", "-q", "--all", ...args]);
  assert.equal(exitCode, 0, stderr);
}

test("oci: and dir: folders are skopeo's to the last byte and mode", { skip }, async () => {
  await using folder = await tempFolder();
  const images = [
    makeImage({ seed: 1, type: "oci" }),
    makeImage({ seed: 2, type: "oci", layers: 0, omitMediaType: true }),
    makeMultiArch({ seed: 3, type: "oci" }),
    makeImage({ seed: 1, type: "oci" }),
  ];
  for (const [index, image] of images.entries()) {
    const name = `n${index % 3}`; // the last takes over the first's name
    await writeTo(oci, `${folder.in("source")}:${index}`, image);
    const source = `oci:${folder.in("source")}:${index}`;
    await writeTo(oci, `${folder.in("ours")}:${name}`, image);
    await copy(source, `oci:${folder.in("theirs")}:${name}`);
    assert.deepEqual(await contentOf(folder.in("ours")), await contentOf(folder.in("theirs")));
    await writeTo(dir, folder.in("our-dir"), image);
    await copy(source, `dir:${folder.in("their-dir")}`);
    assert.deepEqual(
      await contentOf(folder.in("our-dir")),
      await contentOf(folder.in("their-dir")),
    );
    await copy(`dir:${folder.in("our-dir")}`, `oci:${folder.in("back")}:${name}`);
    assert.equal(await readFrom(oci, `${folder.in("back")}:${name}`), image.digest);
    assert.equal(await readFrom(dir, folder.in("their-dir")), image.digest);
  }
});

test("skopeo and we take turns in one folder", { skip }, async () => {
  await using folder = await tempFolder();
  const images = [1, 2, 3, 4].map((seed) => makeImage({ seed, type: "oci" }));
  for (const [index, image] of images.entries()) {
    await writeTo(oci, `${folder.in("source")}:${index}`, image);
    const source = `oci:${folder.in("source")}:${index}`;
    if (index % 2 === 0) {
      await writeTo(dir, folder.in("dir"), image);
      await writeTo(oci, `${folder.in("layout")}:${index}`, image);
    } else {
      await copy(source, `dir:${folder.in("dir")}`);
      await copy(source, `oci:${folder.in("layout")}:${index}`);
    }
    assert.equal(await readFrom(dir, folder.in("dir")), image.digest);
  }
  for (const [index, image] of images.entries()) {
    assert.equal(await readFrom(oci, `${folder.in("layout")}:${index}`), image.digest);
  }
});
