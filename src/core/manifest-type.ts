import { ContentError } from "./errors.ts";
import { goAny, goInt, goText } from "./go-scalars.ts";
import { always, fold, type GoValue, goStruct } from "./go-struct.ts";
import { readAs } from "./go-type.ts";
import { type JsonNode, JsonObject, parseJsonText } from "./json-text.ts";
import { ociDescriptor } from "./manifest-structs.ts";
import { isSchema1Type, mediaTypes } from "./media-type.ts";
import { toStrict } from "./strict-json.ts";
import { decodeUtf8 } from "./utf8.ts";

/** What tells one kind of manifest from another. */
const outlineMembers = {
  mediaType: always(goText),
  schemaVersion: always(goInt),
  signatures: always(goAny),
  config: always(goAny),
  fsLayers: always(goAny),
  history: always(goAny),
  layers: always(goAny),
  manifests: always(goAny),
} as const;
const outline = goStruct("manifest.Schema1", outlineMembers);
/** By type, since Go's errors name what it reads a document as. */
const outlines: ReadonlyMap<string, typeof outline> = new Map([
  [mediaTypes.ociManifest, goStruct("manifest.OCI1", outlineMembers)],
  [mediaTypes.dockerManifest, goStruct("manifest.Schema2", outlineMembers)],
  [mediaTypes.ociIndex, goStruct("manifest.OCI1IndexPublic", outlineMembers)],
  [mediaTypes.dockerList, goStruct("manifest.Schema2ListPublic", outlineMembers)],
]);
type Outline = GoValue<typeof outline>;

const configOutline = goStruct("Descriptor", { mediaType: always(goText) });

const kindMembers = ["config", "fsLayers", "history", "layers", "manifests"] as const;
type KindMember = (typeof kindMembers)[number];

/** The members that each type may have, of those that tell the kinds apart. */
const membersOf: ReadonlyMap<string, readonly KindMember[]> = new Map<string, KindMember[]>([
  [mediaTypes.ociManifest, ["config", "layers"]],
  [mediaTypes.dockerManifest, ["config", "layers"]],
  [mediaTypes.ociIndex, ["manifests"]],
  [mediaTypes.dockerList, ["manifests"]],
  [mediaTypes.schema1, ["fsLayers", "history"]],
  [mediaTypes.schema1Signed, ["fsLayers", "history"]],
]);

/** Names that must be written just so: Go reads `Layers` as `layers`, others do not. */
const reservedNames = foldable([
  ...Object.keys(outline.zero),
  "annotations",
  "subject",
  "artifactType",
  "name",
  "tag",
  "architecture",
]);
const reservedInDescriptors = foldable(Object.keys(ociDescriptor.zero));

/**
 * The media type of a manifest: as it was called where that is a manifest's type, else as it calls itself, else by its
 * members. All three must agree.
 *
 * @throws {ContentError} `content.bad-manifest`, `content.bad-json`
 */
export function decideManifestType(document: JsonNode, contentType: string | undefined): string {
  refuseCaseVariants(document);
  toStrict(document);
  const called = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const members = readAs(outlines.get(called) ?? outline, document, "content.bad-manifest");
  const type = membersOf.has(called) ? declaredType(called, members) : typeByContent(members);
  refuseMixture(type, members);
  if (!isSchema1Type(type)) refuseVersion(members, type);
  return type;
}

/** Whether `bytes` are a schema 1 manifest with signatures, read as leniently as skopeo does. */
export function isSignedSchema1(bytes: Uint8Array): boolean {
  try {
    const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
    const members = readAs(outline, document, "content.bad-manifest");
    return typeByContent(members) === mediaTypes.schema1Signed;
  } catch {
    return false;
  }
}

/**
 * Refuses bytes that have members of another kind of manifest than `type`, where its reader would pass over them.
 *
 * @throws {ContentError} `content.bad-manifest`, `content.bad-json`
 */
export function refuseMixedManifest(bytes: Uint8Array, type: string): void {
  const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
  refuseMixture(type, readAs(outlines.get(type) ?? outline, document, "content.bad-manifest"));
}

function declaredType(called: string, members: Outline): string {
  const schema1 = isSchema1Type(called);
  const own = members.mediaType;
  if (own !== "" && own !== called && !(schema1 && isSchema1Type(own))) {
    throw bad(`rejecting ambiguous manifest, ${own} in supposedly ${called}`);
  }
  return schema1 ? schema1Type(members) : called;
}

function typeByContent(members: Outline): string {
  const own = members.mediaType;
  if (membersOf.has(own) && !isSchema1Type(own)) return own;
  if (members.schemaVersion === 1n) return schema1Type(members);
  if (members.schemaVersion !== 2n) {
    throw bad(`unsupported schema version ${members.schemaVersion}`);
  }
  if (own !== "") throw bad(`unsupported manifest media type ${JSON.stringify(own)}`);
  return unnamedType(members);
}

/** OCI documents of before image-spec 1.0.2 do not name their type. */
function unnamedType(members: Outline): string {
  if (members.config === null && members.layers === null && members.manifests !== null) {
    return mediaTypes.ociIndex;
  }
  const config = readAs(configOutline, members.config, "content.bad-manifest");
  const docker = config.mediaType === mediaTypes.dockerConfig;
  return docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
}

function schema1Type(members: Outline): string {
  if (members.schemaVersion !== 1n) {
    throw bad(`unsupported schema version ${members.schemaVersion}`);
  }
  return members.signatures === null ? mediaTypes.schema1 : mediaTypes.schema1Signed;
}

/** A document that says it is schema 1 has another digest than its bytes: it may be nothing else. */
function refuseVersion({ schemaVersion }: Outline, type: string): void {
  if (schemaVersion !== 2n && schemaVersion !== 0n) {
    throw bad(
      `rejecting ambiguous manifest, schema version ${schemaVersion} in supposedly ${type}`,
    );
  }
}

function refuseMixture(type: string, members: Outline): void {
  const allowed = membersOf.get(type) ?? [];
  const foreign = kindMembers.filter((name) => members[name] !== null && !allowed.includes(name));
  if (foreign.length === 0) return;
  const names = foreign.map((name) => `"${name}"`).join(", ");
  const supposed = isSchema1Type(type) ? mediaTypes.schema1Signed : type;
  throw bad(
    `rejecting ambiguous manifest, unexpected fields []string{${names}} in supposedly ${supposed}`,
  );
}

function refuseCaseVariants(document: JsonNode): void {
  if (!(document instanceof JsonObject)) return;
  refuseVariantsOf(reservedNames, document);
  for (const { name, value } of document.members) {
    if (!["config", "layers", "manifests", "subject"].includes(name)) continue;
    for (const descriptor of Array.isArray(value) ? value : [value]) {
      refuseVariantsOf(reservedInDescriptors, descriptor);
    }
  }
}

/** Names by what letter case leaves of them. */
function foldable(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [fold(name), name]));
}

function refuseVariantsOf(names: ReadonlyMap<string, string>, node: JsonNode): void {
  if (!(node instanceof JsonObject)) return;
  for (const { name } of node.members) {
    if ((names.get(fold(name)) ?? name) !== name) {
      throw bad(`rejecting ambiguous manifest, unexpected spelling ${JSON.stringify(name)}`);
    }
  }
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
