import { readFile } from "node:fs/promises";
import { algorithmOf, digestOf } from "../../core/digest.ts";
import { unless } from "../../layout/errors.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { HeldManifest, ManifestReference } from "../v2/backend.ts";
import type { ManifestRecord } from "./records.ts";
import { removeManifest } from "./removals.ts";
import type { StoreParts } from "./store-parts.ts";

/** A manifest from memory, or else from its file, which is checked then. */
export function readHeldManifest(
  parts: StoreParts,
  name: string,
  reference: ManifestReference,
): Promise<HeldManifest | undefined> | HeldManifest | undefined {
  const found = parts.memory.find(name, keyOf(reference));
  if (found === undefined) return load(parts, name, reference);
  noteUse(parts, found.record);
  return found.held;
}

function keyOf(reference: ManifestReference): string {
  return reference.type === "tag" ? reference.tag : reference.digest;
}

function noteUse({ uses, now }: StoreParts, { id, cached }: ManifestRecord): void {
  if (cached) uses.manifest(id, now());
}

async function load(
  parts: StoreParts,
  name: string,
  reference: ManifestReference,
): Promise<HeldManifest | undefined> {
  for (let attempt = 0; ; attempt++) {
    const { generation } = parts.memory;
    const record = find(parts, name, reference);
    if (record === undefined) return undefined;
    const held = parts.memory.bytesOf(record) ?? (await readBytes(parts, name, record));
    if (held !== undefined) {
      parts.memory.remember(name, keyOf(reference), { held, record }, generation);
      noteUse(parts, record);
      return held;
    }
    // Removed between the two looks, or damaged: the next look tells.
    if (attempt > 0) await forgetDamaged(parts, name, record);
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
  const whole = bytes !== undefined && digestOf(bytes, algorithmOf(digest)) === digest;
  return whole ? { mediaType, digest, bytes } : undefined;
}

/** What an upstream has was not synced, and can be fetched again. Everything else should be here, and is not. */
async function forgetDamaged(
  parts: StoreParts,
  name: string,
  { digest, cached }: ManifestRecord,
): Promise<void> {
  const id = parts.records.repository(name);
  if (!cached || id === undefined) throw damaged();
  await removeManifest(parts, { id, name }, digest, (manifest) => manifest.cached);
}

function damaged(): RegistryAnswerError {
  return new RegistryAnswerError("UNKNOWN", "the manifest is damaged in the registry's storage", {
    status: 500,
  });
}
