import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";

// A dir: folder: `version`, `manifest.json`, and beside them blobs, instances' manifests and signatures by their digest.
// sha256 goes without saying; other algorithms are spelled out, and make it version 1.2, as in skopeo after 1.22.

/** Says that the folder is one of these. */
export const versionFile = "version";
/** The image, or the index. */
export const manifestFile = "manifest.json";

const versions = {
  plain: "Directory Transport Version: 1.1\n",
  otherDigests: "Directory Transport Version: 1.2\n",
} as const;

/** What `version` holds, given the digests that files are named by. */
export function versionText(digests: Iterable<Digest>): string {
  for (const digest of digests) {
    if (algorithmOf(digest) !== "sha256") return versions.otherDigests;
  }
  return versions.plain;
}

/** Whether `version` holds this in a folder that may be written over. */
export function isKnownVersion(text: string): boolean {
  return text === versions.plain || text === versions.otherDigests;
}

/** A layer or config. */
export function blobFile(digest: Digest): string {
  const algorithm = algorithmOf(digest);
  return algorithm === "sha256" ? hexOf(digest) : `${algorithm}-${hexOf(digest)}`;
}

/** The manifest of an instance of the index in manifest.json. */
export function instanceFile(digest: Digest): string {
  return `${blobFile(digest)}.manifest.json`;
}

/** `number` counts from 1. Without `instance`, those of manifest.json. */
export function signatureFile(number: number, instance?: Digest): string {
  const name = `signature-${number}`;
  return instance === undefined ? name : `${blobFile(instance)}.${name}`;
}

/** Whether a file holds a signature of manifest.json. */
export function isTopSignature(name: string): boolean {
  return /^signature-\d+$/.test(name);
}

/** Whether a file may belong to an image: its mark, a manifest, a signature, or what is named by a digest. */
export function isImageFile(name: string): boolean {
  if (name === versionFile || name === manifestFile || isTopSignature(name)) return true;
  return /^(?:[0-9a-f]{64}|sha(?:384|512)-[0-9a-f]+)(?:\.manifest\.json|\.signature-\d+)?$/.test(
    name,
  );
}
