import { readFile } from "node:fs/promises";
import { algorithmOf, digestOf } from "../../core/digest.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { HeldManifest, ManifestReference } from "../v2/backend.ts";
import { unless } from "./errors.ts";
import type { ManifestRecord } from "./records.ts";
import type { StoreParts } from "./store-parts.ts";

/** A manifest from memory, or else from its file, which is checked then. */
export function readHeldManifest(
  parts: StoreParts,
  name: string,
  reference: ManifestReference,
): Promise<HeldManifest | undefined> | HeldManifest | undefined {
  const key = reference.type === "tag" ? reference.tag : reference.digest;
  const found = parts.memory.find(name, key);
  if (found === undefined) return load(parts, name, reference);
  if (found.record.cached) parts.uses.manifest(found.record.id, parts.now());
  return found.held;
}

async function load(
  parts: StoreParts,
  name: string,
  reference: ManifestReference,
): Promise<HeldManifest | undefined> {
  for (let attempt = 0; ; attempt++) {
    const generation = parts.memory.generation;
    const record = find(parts, name, reference);
    if (record === undefined) return undefined;
    const held = parts.memory.bytesOf(record) ?? (await readBytes(parts, name, record));
    if (held !== undefined) {
      const key = reference.type === "tag" ? reference.tag : reference.digest;
      parts.memory.remember(name, key, { held, record }, generation);
      if (record.cached) parts.uses.manifest(record.id, parts.now());
      return held;
    }
    // Removed between the two looks, or damaged: the next look tells.
    if (attempt === 3) throw damaged();
  }
}

function find(
  { records }: StoreParts,
  name: string,
  reference: ManifestReference,
): ManifestRecord | undefined {
  const repository = records.repository(name);
  if (repository === undefined) return undefined;
  return reference.type === "tag"
    ? records.byTag(repository, reference.tag)
    : records.byDigest(repository, reference.digest);
}

async function readBytes(
  { paths }: StoreParts,
  name: string,
  { digest, mediaType }: ManifestRecord,
): Promise<HeldManifest | undefined> {
  const bytes = await unless(["ENOENT"], () => readFile(paths.blob(name, digest)));
  if (bytes === undefined) return undefined;
  if (digestOf(bytes, algorithmOf(digest)) !== digest) throw damaged();
  return { mediaType, digest, bytes };
}

function damaged(): RegistryAnswerError {
  return new RegistryAnswerError("UNKNOWN", "the manifest is damaged in the registry's storage", {
    status: 500,
  });
}
