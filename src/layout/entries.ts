import type { Digest } from "../core/digest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { LayoutError } from "./errors.ts";
import type { LayoutEntry, LayoutIndex } from "./index-file.ts";

/** The annotation that names an entry of index.json — OCI image-spec, annotations.md. */
const refName = "org.opencontainers.image.ref.name";

/** Which entry of index.json is meant: by name, by position, by digest, or the only one there is. */
export interface EntryChoice {
  readonly name?: string;
  readonly position?: number;
  readonly digest?: Digest;
}

/** An entry, and its position from 0. */
export interface ChosenEntry {
  readonly entry: LayoutEntry;
  readonly position: number;
}

const readableTypes: readonly string[] = [
  mediaTypes.ociManifest,
  mediaTypes.ociIndex,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
];

/** Whether an entry is an image, or an index of images. */
export function isReadable({ mediaType }: LayoutEntry): boolean {
  return readableTypes.includes(mediaType);
}

/**
 * The entry meant; undefined where no entry has that name.
 *
 * @throws {LayoutError} `layout.unsupported` where the choice is not one: too high, not the only one, not an image
 */
export function chooseEntry(index: LayoutIndex, choice: EntryChoice): ChosenEntry | undefined {
  const entries = index.manifests ?? [];
  if (choice.position !== undefined) return atPosition(entries, choice.position);
  if (choice.name !== undefined) return named(entries, choice.name);
  if (choice.digest !== undefined) return withDigest(entries, choice.digest);
  const [entry] = entries;
  if (entry && entries.length === 1) return { entry, position: 0 };
  throw new LayoutError("layout.unsupported", "more than one image in oci, choose an image", {
    hint: hintAtEntries(index),
  });
}

function withDigest(entries: readonly LayoutEntry[], digest: Digest): ChosenEntry | undefined {
  const position = entries.findIndex((entry) => entry.digest === digest);
  const entry = entries[position];
  return entry && { entry, position };
}

/** What can be put behind the path: the names there are, and positions for what has none. */
export function hintAtEntries(index: LayoutIndex): string {
  const entries = index.manifests ?? [];
  if (entries.length === 0) return "Copy an image there first: it holds none";
  const forms = entries
    .slice(0, 10)
    .map((entry, position) => `:${nameOf(entry) || `@${position}`}`);
  return `Add one of ${forms.join(", ")}${entries.length > 10 ? ", …" : ""} to the path`;
}

function atPosition(entries: readonly LayoutEntry[], position: number): ChosenEntry {
  const entry = entries[position];
  if (entry) return { entry, position };
  throw new LayoutError(
    "layout.unsupported",
    `index ${position} is too large, only ${entries.length} entries available`,
  );
}

function named(entries: readonly LayoutEntry[], name: string): ChosenEntry | undefined {
  const other: string[] = [];
  for (const [position, entry] of entries.entries()) {
    if (nameOf(entry) !== name) continue;
    if (readableTypes.includes(entry.mediaType)) return { entry, position };
    other.push(JSON.stringify(entry.mediaType));
  }
  if (other.length === 0) return undefined;
  throw new LayoutError(
    "layout.unsupported",
    `reference "${name}" matches unsupported manifest MIME types [${other.join(" ")}]`,
  );
}

/** The name of an entry, "" where it has none. */
export function nameOf(entry: LayoutEntry): string {
  return entry.annotations?.get(refName) ?? "";
}

/**
 * The index with `entry` in it, under `name` or nameless, as skopeo orders it: an older entry of that name stays where
 * it is without it; the first nameless entry of the same digest gives up its place; else the new one goes to the end.
 */
export function putEntry(
  index: LayoutIndex,
  entry: LayoutEntry,
  name: string | undefined,
): LayoutIndex {
  const added = name === undefined ? entry : withName(entry, name);
  const entries = [...(index.manifests ?? [])];
  const older = name === undefined ? -1 : entries.findIndex((each) => nameOf(each) === name);
  const renamed = entries[older];
  if (renamed) entries[older] = withName(renamed, undefined);
  const place = entries.findIndex((each) => each.digest === entry.digest && nameOf(each) === "");
  entries.splice(place === -1 ? entries.length : place, 1, added);
  return { ...index, manifests: entries };
}

/** The first entry of that name. */
export function entryNamed({ manifests }: LayoutIndex, name: string): LayoutEntry | undefined {
  return manifests?.find((entry) => nameOf(entry) === name);
}

/** The index with the entry called `name` called `other`; what had that name loses it, as in {@link putEntry}. */
export function renameEntry(index: LayoutIndex, name: string, other: string): LayoutIndex {
  const renamed = entryNamed(index, name);
  const older = entryNamed(index, other);
  const entries = (index.manifests ?? []).map((entry) => {
    if (entry === renamed) return withName(entry, other);
    return entry === older ? withName(entry, undefined) : entry;
  });
  return { ...index, manifests: entries };
}

/** The index without the entry at `position`. */
export function removeEntry(index: LayoutIndex, position: number): LayoutIndex {
  return { ...index, manifests: (index.manifests ?? []).toSpliced(position, 1) };
}

function withName(entry: LayoutEntry, name: string | undefined): LayoutEntry {
  const annotations = new Map(entry.annotations ?? []);
  if (name === undefined) annotations.delete(refName);
  else annotations.set(refName, name);
  return { ...entry, annotations: annotations.size > 0 ? annotations : null }; // as it will be read
}
