import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Digest, digestOf, hexOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { createOciTransport } from "../../../src/transport/oci/transport.ts";
import { artifactAbout } from "../../support/artifacts.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage } from "../../support/images.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { startRegistry } from "../../support/registry.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const { signal } = new AbortController();
const image = makeImage({ type: "oci" });
const sbom = artifactAbout(image.digest);

async function blobs(folder: TempFolder, artifact: typeof sbom): Promise<void> {
  const all = [...artifact.blobs, [artifact.digest, artifact.manifest.bytes] as const];
  for (const [digest, bytes] of all) {
    await writeFile(folder.in("layout", "blobs", "sha256", hexOf(digest as Digest)), bytes);
  }
}

async function changeIndex(folder: TempFolder, more: readonly object[]): Promise<void> {
  const path = folder.in("layout", "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...index, manifests: [...index.manifests, ...more] }));
}

async function referrersIn(folder: TempFolder, transport = createOciTransport()) {
  const reference = await transport.resolve(`${folder.in("layout")}:v1`, "source", { signal });
  return await transport.companions?.referrers(reference, image.digest, "source", { signal });
}

test("oci: what index.json names refers to what its manifest says, whatever the entry tells", async () => {
  await using folder = await tempFolder();
  await writeLayoutFolder(folder.in("layout"), image, "v1");
  await blobs(folder, sbom);
  const { mediaType, digest, size } = sbom.entry;
  const strange = { mediaType: "application/x-unknown", digest: "sha256:00", size: 1 };
  const gone = { mediaType, digest: `sha256:${"0".repeat(64)}`, size: 1 };
  await changeIndex(folder, [strange, gone, { mediaType, digest, size }]);
  const transport = createOciTransport();
  assert.deepEqual(await referrersIn(folder, transport), [sbom.entry]);
  await rm(folder.in("layout", "blobs", "sha256", hexOf(digest)));
  assert.deepEqual(await referrersIn(folder, transport), [sbom.entry], "it was read once");
});

test("oci: a list under the fallback scheme's tag counts as well", async () => {
  await using folder = await tempFolder();
  await writeLayoutFolder(folder.in("layout"), image, "v1");
  await blobs(folder, sbom);
  const list = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [sbom.entry] }),
  );
  const digest = digestOf(list);
  await writeFile(folder.in("layout", "blobs", "sha256", hexOf(digest)), list);
  const annotations = { "org.opencontainers.image.ref.name": image.digest.replace(":", "-") };
  const size = list.byteLength;
  await changeIndex(folder, [{ mediaType: mediaTypes.ociIndex, digest, size, annotations }]);
  assert.deepEqual(await referrersIn(folder), [sbom.entry]);
  await using engine = new Engine();
  await using registry = await startRegistry();
  const to = `docker://${registry.host}/app:sbom`;
  assert.equal(await engine.copy(`oci:${folder.in("layout")}:@${sbom.digest}`, to), sbom.digest);
});

test("oci: there are no names and no referrers where there is no layout", async () => {
  await using folder = await tempFolder();
  assert.deepEqual(await referrersIn(folder), []);
  const oci = createOciTransport();
  const reference = await oci.resolve(`${folder.in("layout")}:v1`, "destination", { signal });
  assert.deepEqual(await oci.named?.names(reference, "destination", { signal }), []);
});

test("oci: what is written by its digest gets one entry, without a name, and no other digest does", async () => {
  await using folder = await tempFolder();
  await using engine = new Engine();
  await using registry = await startRegistry();
  registry.seed("app", "sbom", sbom);
  const from = `docker://${registry.host}/app:sbom`;
  const to = `oci:${folder.in("layout")}:@${sbom.digest}`;
  for (let n = 0; n < 2; n++) await engine.copy(from, to);
  const { manifests } = JSON.parse(await readFile(folder.in("layout", "index.json"), "utf8"));
  const { mediaType, digest, size, artifactType } = sbom.entry;
  assert.deepEqual(manifests, [{ mediaType, digest, size, artifactType }]);
  await assert.rejects(engine.copy(from, `oci:${folder.in("layout")}:@${image.digest}`));
});
