import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../src/core/digest.ts";
import type { TestImage } from "./images.ts";

/** Writes an image, or a list with its images, as an OCI layout that names it `name`, with nothing of our own code. */
export async function writeLayoutFolder(
  folder: string,
  image: TestImage,
  name = "latest",
): Promise<void> {
  const blobs = join(folder, "blobs");
  const put = async (digest: string, bytes: Uint8Array) => {
    const [algorithm = "", hex = ""] = digest.split(":");
    await mkdir(join(blobs, algorithm), { recursive: true });
    await writeFile(join(blobs, algorithm, hex), bytes);
  };
  for (const [digest, bytes] of image.blobs) await put(digest, bytes);
  for (const manifest of image.manifests) await put(digestOf(manifest.bytes), manifest.bytes);
  await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { "org.opencontainers.image.ref.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...image.descriptor, annotations }] };
  await writeFile(join(folder, "index.json"), JSON.stringify(index));
}
