import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../../src/core/digest.ts";
import type { TestImage } from "../../support/images.ts";

/** Writes images as an OCI layout, each under its name — OCI image-spec, image-layout.md. */
export async function writeLayout(
  path: string,
  images: Readonly<Record<string, TestImage>>,
): Promise<void> {
  await mkdir(join(path, "blobs", "sha256"), { recursive: true });
  await writeFile(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const manifests = [];
  for (const [name, image] of Object.entries(images)) {
    for (const [digest, bytes] of contentOf(image)) {
      await writeFile(join(path, "blobs", digest.replace(":", "/")), bytes);
    }
    const annotations = { "org.opencontainers.image.ref.name": name };
    manifests.push({ ...image.descriptor, annotations });
  }
  await writeFile(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function contentOf(image: TestImage): [string, Uint8Array][] {
  const manifests = image.manifests.map(({ bytes }): [string, Uint8Array] => [
    digestOf(bytes),
    bytes,
  ]);
  return [...image.blobs, ...manifests];
}

/** Writes an image, or an index with all its images, as the `dir:` transport has it. */
export async function writeDir(path: string, image: TestImage): Promise<void> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "version"), "Directory Transport Version: 1.1\n");
  for (const [digest, bytes] of image.blobs) await writeFile(join(path, hexOf(digest)), bytes);
  for (const { bytes } of image.manifests.slice(0, -1)) {
    await writeFile(join(path, `${hexOf(digestOf(bytes))}.manifest.json`), bytes);
  }
  await writeFile(join(path, "manifest.json"), image.bytes);
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}
