import { ContentError } from "../../core/errors.ts";
import { type JsonNode, JsonObject, parseJsonText } from "../../core/json-text.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { decodeUtf8 } from "../../core/utf8.ts";

const maxDepth = 4;

/**
 * Whether a manifest brings along content that it names (`data` of a descriptor, OCI image-spec, descriptor.md): containerd
 * takes that, also of Docker's lists, and asks for it no more.
 */
export function embedsContent(manifest: RawManifest): boolean {
  return !dataIn(manifest).next().done;
}

/** What a manifest brings along that can be read as one, and what that brings along. */
export function* embeddedManifests(manifest: RawManifest, depth = 1): Generator<RawManifest, void> {
  for (const data of dataIn(manifest)) {
    const inner = readIfAny(data);
    if (!inner) continue;
    yield inner;
    if (depth < maxDepth) yield* embeddedManifests(inner, depth + 1);
  }
}

function* dataIn({ bytes }: RawManifest): Generator<JsonNode, void> {
  const text = decodeUtf8(bytes);
  if (/"data"|\\u/.test(text)) yield* membersIn(parseJsonText(text, { maxDepth: 32 }));
}

function* membersIn(node: JsonNode): Generator<JsonNode, void> {
  if (Array.isArray(node)) for (const item of node) yield* membersIn(item);
  if (!(node instanceof JsonObject)) return;
  for (const { name, value } of node.members) {
    if (name === "data") yield value;
    else yield* membersIn(value);
  }
}

function readIfAny(data: JsonNode): RawManifest | undefined {
  if (typeof data !== "string") return undefined;
  try {
    return readRawManifest(Buffer.from(data, "base64"));
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}
