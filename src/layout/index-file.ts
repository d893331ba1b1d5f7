import { KnownError } from "../core/errors.ts";
import { goText, namedInt } from "../core/go-scalars.ts";
import {
  always,
  embedded,
  type GoValue,
  goList,
  goMapOf,
  goPointer,
  goStruct,
  omitEmpty,
  writtenOnce,
} from "../core/go-struct.ts";
import { type GoType, Reading } from "../core/go-type.ts";
import { type JsonNode, parseJsonText } from "../core/json-text.ts";
import { ociDescriptor } from "../core/manifest-structs.ts";
import { mediaTypes } from "../core/media-type.ts";
import { decodeUtf8, encodeUtf8 } from "../core/utf8.ts";
import { LayoutError } from "./errors.ts";

/** A mirror writes thousands of them for each of its images. */
const entry = writtenOnce(ociDescriptor);

/** OCI image-spec v1.Index, read as itself: messages name its members so. */
const ociIndex = goStruct("v1.Index", {
  ...embedded("Versioned", { schemaVersion: always(namedInt("int")) }),
  mediaType: omitEmpty(goText),
  artifactType: omitEmpty(goText),
  manifests: always(goList(entry)),
  subject: omitEmpty(goPointer(ociDescriptor)),
  annotations: omitEmpty(goMapOf(goText)),
});

/** Of v1.Manifest what names other blobs. */
const ociManifest = goStruct("v1.Manifest", {
  config: always(ociDescriptor),
  layers: always(goList(ociDescriptor)),
});

/**
 * What index.json says — OCI image-spec, image-layout.md § index.json file. Nothing in it is checked: the entries that
 * are of no concern are carried along as they are, digests that we cannot read included.
 */
export type LayoutIndex = GoValue<typeof ociIndex>;

/** One manifest that index.json names. */
export type LayoutEntry = GoValue<typeof ociDescriptor>;

/** An entry that says no more than what and how long. */
export function newEntry(mediaType: string, digest: string, size: number): LayoutEntry {
  return { ...ociDescriptor.zero, mediaType, digest, size: BigInt(size) };
}

/** What a new layout begins with. */
export const emptyIndex: LayoutIndex = {
  ...ociIndex.zero,
  schemaVersion: 2n,
  mediaType: mediaTypes.ociIndex,
  manifests: [],
};

/**
 * index.json, or an index held as a blob, as the Go tools read it: letter case of members aside, unknown members passed
 * over, nothing looked at behind the first value.
 *
 * @throws {LayoutError} `layout.invalid`, with Go's text
 */
export function parseLayoutIndex(bytes: Uint8Array): LayoutIndex {
  return decode(ociIndex, bytes);
}

/**
 * The digests that an image manifest names, read as loosely as {@link parseLayoutIndex} reads.
 *
 * @throws {LayoutError} `layout.invalid`, with Go's text
 */
export function parseBlobDigests(manifest: Uint8Array): readonly string[] {
  const { config, layers } = decode(ociManifest, manifest);
  return [config.digest, ...(layers ?? []).map((layer) => layer.digest)];
}

function decode<T>(type: GoType<T>, bytes: Uint8Array): T {
  const reading = new Reading();
  const value = type.read(parseFirst(decodeUtf8(bytes)), type.zero, reading);
  if (reading.failure !== undefined) throw new LayoutError("layout.invalid", reading.failure);
  return value;
}

/** The bytes that skopeo would write: compact, members in the order of Go's struct, maps sorted. */
export function formatLayoutIndex(index: LayoutIndex): Uint8Array {
  return encodeUtf8(ociIndex.write(index));
}

function parseFirst(text: string): JsonNode {
  try {
    return parseJsonText(text.slice(0, endOfFirst(text)), { maxDepth: 10_000 });
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw new LayoutError("layout.invalid", asDecoderSays(text, error.message), { cause: error });
  }
}

/** Go's stream decoder, which reads index.json, has words of its own for an early end. */
function asDecoderSays(text: string, message: string): string {
  if (message !== "unexpected end of JSON input") return message;
  return /^[ \t\r\n]*$/.test(text) ? "EOF" : "unexpected EOF";
}

/** Where the first object or array ends; the end of the text, where it does not begin with one or does not end. */
function endOfFirst(text: string): number {
  if (!/^[ \t\r\n]*[{[]/.test(text)) return text.length;
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (mark === "{" || mark === "[") depth++;
    if (mark === "}" || mark === "]") depth--;
    if (depth === 0) return index + mark.length;
  }
  return text.length;
}
