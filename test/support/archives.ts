import { algorithmOf, type Digest, hexOf } from "../../src/core/digest.ts";
import { buildHeader, endOfTar, paddingOf, type TarFields } from "../../src/stream/tar/builder.ts";
import type { TestImage } from "./images.ts";

/** A member of a tar: what its header says, and what is in it. */
export type Member = TarFields & { readonly bytes?: Uint8Array };

/** A tar of these members, in this order. */
export function tarWith(...members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ bytes = new Uint8Array(), ...fields }) => [
    buildHeader({ size: bytes.byteLength, mode: 0o644, ...fields }),
    bytes,
    paddingOf(bytes.byteLength),
  ]);
  return Buffer.concat([...parts, endOfTar]);
}

/** A blob's name in a layout. */
export function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

/** The members of a layout's archive with these images: documents, manifests, configs and layers, by what they are. */
export function layoutMembers(images: Readonly<Record<string, TestImage>>) {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const manifests = Object.entries(images).map(([name, image]) => ({
    ...image.descriptor,
    ...(name !== "" && { annotations: { "org.opencontainers.image.ref.name": name } }),
  }));
  const all = Object.values(images);
  const member = (digest: Digest, bytes: Uint8Array): Member => ({ name: blobName(digest), bytes });
  return {
    index: { name: "index.json", bytes: json({ schemaVersion: 2, manifests }) },
    marker: { name: "oci-layout", bytes: json({ imageLayoutVersion: "1.0.0" }) },
    manifests: all.map((image) => member(image.digest, image.bytes)),
    blobs: all.flatMap((image) =>
      [...image.blobs].map(([digest, bytes]) => member(digest as Digest, bytes)),
    ),
  };
}
