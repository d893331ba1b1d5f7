import type { Descriptor } from "../../src/core/descriptor.ts";
import type { ImageReference, TransportName } from "../../src/core/image-reference.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { BlobStream } from "../../src/stream/blob-stream.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import type { TestImage } from "../support/images.ts";

const never = new AbortController().signal;

export interface SmallCopyOptions {
  readonly signal?: AbortSignal;
  readonly origin?: ImageReference;
}

/** An origin that no destination has anything to do with. */
export const elsewhere: ImageReference = {
  transport: "tarball" satisfies TransportName,
  text: "elsewhere",
  policyIdentity: "",
  policyNamespaces: [],
};

/** Writes a made image, or an index with its instances, the way a copy does. */
export async function writeTo(
  transport: Transport,
  text: string,
  image: TestImage,
  options: SmallCopyOptions = {},
): Promise<void> {
  const { signal = never, origin = elsewhere } = options;
  const reference = await transport.resolve(text, "destination", { signal });
  await using destination = await transport.openDestination(reference, { signal });
  const manifests = image.manifests.map(({ bytes }) => readRawManifest(bytes));
  const top = manifests.pop();
  const isIndex = top !== undefined && manifests.length > 0;
  for (const manifest of isIndex || !top ? manifests : [top]) {
    await using writer = await destination.openImage(
      { manifest, as: isIndex ? "instance" : "top" },
      { signal },
    );
    for (const blob of blobsOf(manifest.bytes)) {
      const place = { role: "layer", positions: [] } as const;
      if (await writer.adoptBlob(blob, place, origin, { signal })) continue;
      await using stream = blobOf(image, blob);
      await writer.writeBlob(stream, place, { signal });
    }
    await writer.writeManifest(manifest, { signal });
  }
  if (isIndex) await destination.writeIndex(top, { signal });
  await destination.commit({ signal });
}

/** The digest of the top manifest, after reading all that hangs on it. */
export async function readFrom(transport: Transport, text: string): Promise<string> {
  const reference = await transport.resolve(text, "source", { signal: never });
  await using source = await transport.openSource(reference, { signal: never });
  const top = await source.readManifest("top", { signal: never });
  for (const instance of instancesOf(top.bytes)) {
    const manifest =
      instance === "top" ? top : await source.readManifest(instance, { signal: never });
    for (const blob of blobsOf(manifest.bytes)) {
      await using stream = await source.openBlob(blob, { signal: never });
      for await (const _ of stream);
    }
  }
  return top.digest;
}

function instancesOf(bytes: Uint8Array): readonly (Descriptor["digest"] | "top")[] {
  const { manifests } = JSON.parse(Buffer.from(bytes).toString());
  return manifests ? manifests.map((each: Descriptor) => each.digest) : ["top"];
}

function blobsOf(manifest: Uint8Array): readonly Descriptor[] {
  const { config, layers } = JSON.parse(Buffer.from(manifest).toString());
  return [config, ...layers];
}

function blobOf(image: TestImage, blob: Descriptor): BlobStream {
  const bytes = image.blobs.get(blob.digest) ?? new Uint8Array();
  async function* pieces() {
    for (let at = 0; at < bytes.byteLength; at += 64 * 1024)
      yield bytes.subarray(at, at + 64 * 1024);
  }
  return new BlobStream(blob, pieces, { reopens: false });
}
