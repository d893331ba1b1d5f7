import type { Descriptor } from "../../core/descriptor.ts";
import { isDigest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType, isManifestType, isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** What a manifest names, as far as a registry cares. */
export type NamedContent = Pick<Descriptor, "digest" | "size"> & {
  /** A manifest of an index; false of its other entries, which are blobs. */
  readonly instance: boolean;
  /** False of layers that may be fetched from elsewhere alone: they need not be here. */
  readonly required: boolean;
};

/** A manifest as a registry reads it: whatever is not listed here is the client's own affair. */
export interface ManifestParts {
  readonly named: readonly NamedContent[];
  readonly subject: Descriptor["digest"] | undefined;
  /** As referrers lists tell it: its own, else its config's; undefined for an index without. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

type Members = ReadonlyMap<string, JsonValue>;

const maxDepth = 32;
/** Layers that need not be pushed — OCI image-spec, layer.md § Non-Distributable Layers; Docker's foreign layers. */
const elsewhere: ReadonlySet<string> = new Set([
  mediaTypes.ociForeignLayer,
  mediaTypes.ociForeignLayerGzip,
  mediaTypes.ociForeignLayerZstd,
  mediaTypes.dockerForeignLayer,
  mediaTypes.dockerForeignLayerGzip,
]);

/** Whether a registry in a folder can hold this: schema 1 cannot be told by the hash of its bytes. */
export function isKeepable({ mediaType }: Pick<RawManifest, "mediaType">): boolean {
  return !isSchema1Type(mediaType);
}

/**
 * Reads what is to be known of a manifest of any type but schema 1.
 *
 * @throws {RegistryAnswerError} 400 MANIFEST_INVALID
 */
export function readManifestParts(manifest: RawManifest): ManifestParts {
  if (!isKeepable(manifest)) throw invalid("manifests of schema 1 are not kept here");
  const members = membersOf(manifest);
  const index = isIndexType(manifest.mediaType);
  const config = index ? undefined : members.get("config");
  const named = index
    ? listOf(members, "manifests").map((entry) => named1(entry, "manifest", isInstance(entry)))
    : [
        ...(config ? [named1(config, "config", false)] : []),
        ...listOf(members, "layers").map((layer) => named1(layer, "layer", false)),
      ];
  const subject = members.get("subject");
  return {
    named,
    subject: subject ? named1(subject, "subject", false).digest : undefined,
    artifactType:
      textOf(members, "artifactType") ?? (config ? textOf(config, "mediaType") : undefined),
    annotations: annotationsOf(members),
  };
}

function membersOf({ bytes }: RawManifest): Members {
  try {
    const document = parseStrictJson(bytes, { maxDepth });
    if (document instanceof Map) return document;
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw invalid(error.message);
  }
  throw invalid("manifest is no object");
}

function listOf(members: Members, name: string): readonly JsonValue[] {
  const list = members.get(name) ?? [];
  if (!Array.isArray(list)) throw invalid(`${name} is no list`);
  return list;
}

function named1(value: JsonValue, what: string, instance: boolean): NamedContent {
  const digest = textOf(value, "digest") ?? "";
  if (!isDigest(digest)) throw invalid(`a ${what} has no digest that is known here`);
  const size = value instanceof Map ? value.get("size") : undefined;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${what} ${digest} has no size`);
  }
  const required = instance || !elsewhere.has(textOf(value, "mediaType") ?? "");
  return { digest, size, instance, required };
}

/** BuildKit's caches are indexes of layers and a configuration of their own. */
function isInstance(entry: JsonValue): boolean {
  return isManifestType(textOf(entry, "mediaType") ?? mediaTypes.ociManifest);
}

function textOf(value: JsonValue | Members, name: string): string | undefined {
  const text = value instanceof Map ? value.get(name) : undefined;
  return typeof text === "string" && text !== "" ? text : undefined;
}

function annotationsOf(members: Members): Readonly<Record<string, string>> | undefined {
  const annotations = members.get("annotations") ?? null;
  if (annotations === null) return undefined;
  if (!(annotations instanceof Map)) throw invalid("annotations are no object");
  const entries = [...annotations].map(([name, value]) => {
    if (typeof value !== "string") throw invalid(`annotation ${JSON.stringify(name)} is no text`);
    return [name, value] as const;
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function invalid(message: string): RegistryAnswerError {
  return new RegistryAnswerError("MANIFEST_INVALID", message, { status: 400 });
}
