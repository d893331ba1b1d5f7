import { UsageError } from "../../core/errors.ts";
import { humanDuration, humanSize } from "./human.ts";
import { type LocalImage, parseName, repoDigests } from "./local-image.ts";

/** One line of the list of images: an image under one of its names. */
export interface ImageRow {
  readonly image: LocalImage;
  /** Absent where the image has none. */
  readonly name?: string;
  /** `<none>` where the image has no name. */
  readonly repository: string;
  readonly tag: string;
}

const none = "<none>";

/** A row for each name of each image, as podman has it; one for an image without. */
export function rowsOf(images: readonly LocalImage[]): readonly ImageRow[] {
  return images.flatMap((image) => {
    const { names } = image.record;
    if (names.length === 0) return [{ image, repository: none, tag: none }];
    return names.map((name) => ({ image, name, ...splitName(name) }));
  });
}

/** Images that have no names but those of their rows: whoever asked for one whole name is told of no others. */
export function withNamesOfRows(rows: readonly ImageRow[]): readonly ImageRow[] {
  const byImage = Map.groupBy(rows, ({ image }) => image);
  return [...byImage].flatMap(([image, own]) => {
    const shown = new Set(own.map(({ name }) => name));
    const names = image.record.names.filter((name) => shown.has(name));
    const narrowed = { ...image, record: { ...image.record, names } };
    return own.map((row) => ({ ...row, image: narrowed }));
  });
}

/** Of each image the rows with a tag, as podman has it; where there is none, the first. */
export function tagsOrFirst(rows: readonly ImageRow[]): readonly ImageRow[] {
  const instead = new Map<LocalImage, ImageRow>();
  for (const row of rows) {
    const known = instead.get(row.image);
    if (!known || (known.tag === none && row.tag !== none)) instead.set(row.image, row);
  }
  return rows.filter((row) => row.tag !== none || instead.get(row.image) === row);
}

function splitName(name: string): Pick<ImageRow, "repository" | "tag"> {
  const reference = parseName(name);
  if (!reference) return { repository: name, tag: none };
  return { repository: `${reference.domain}/${reference.path}`, tag: reference.tag ?? none };
}

const orders: Readonly<Record<string, (a: ImageRow, b: ImageRow) => number>> = {
  created: (a, b) => b.image.created - a.image.created,
  id: (a, b) => compare(a.image.record.id, b.image.record.id),
  repository: (a, b) => compare(a.repository, b.repository),
  size: (a, b) => a.image.size - b.image.size,
  tag: (a, b) => compare(a.tag, b.tag),
};

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** @throws {UsageError} `usage.bad-flag` for an order that there is not */
export function sortRows(rows: readonly ImageRow[], by: string): readonly ImageRow[] {
  const order = Object.hasOwn(orders, by) ? orders[by] : undefined;
  if (order) return rows.toSorted(order);
  throw new UsageError(
    "usage.bad-flag",
    `"${by}" is not a valid value. Choose from: ${JSON.stringify(Object.keys(orders).join(", "))}`,
  );
}

/** What may be shown of a row: the names of podman's `--format` templates. */
export type RowCells = Readonly<Record<(typeof rowFields)[number], string>>;

/** The names of a row's cells. */
export const rowFields = [
  "ID",
  "Repository",
  "Tag",
  "Digest",
  "Created",
  "CreatedSince",
  "CreatedAt",
  "Size",
  "Names",
  "History",
  "Containers",
  "RepoDigests",
] as const;

/** What is the same for all rows. */
export interface RowOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly noTrunc: boolean;
  readonly containersOf: (imageId: string) => number;
}

/** A row's cells as text. */
export function cellsOf({ image, repository, tag }: ImageRow, options: RowOptions): RowCells {
  const { record, created, size } = image;
  const [number, unit] = humanSize(size, 3);
  const since = `${humanDuration(options.now - created)} ago`;
  return {
    ID: options.noTrunc ? `sha256:${record.id}` : record.id.slice(0, 12),
    Repository: repository,
    Tag: tag,
    Digest: record.digest ?? none,
    Created: since,
    CreatedSince: since,
    CreatedAt: goTimeText(created),
    Size: `${number} ${unit}`,
    Names: record.names.join(", "),
    History: record.namesHistory.join(", "),
    Containers: String(options.containersOf(record.id)),
    RepoDigests: repoDigests(record).join(", "),
  };
}

/** As Go prints a time in UTC. */
function goTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** The members of podman's `images --format json`, in its order. */
export function jsonOf({ image }: ImageRow, { containersOf }: RowOptions): object {
  const { record, config, created, size, isList, isDangling } = image;
  const labels = config?.config?.Labels;
  return {
    Id: record.id,
    ParentId: "",
    RepoTags: null,
    RepoDigests: repoDigests(record),
    Size: size,
    SharedSize: 0,
    VirtualSize: size,
    Labels: labels && labels.size > 0 ? Object.fromEntries(labels) : null,
    Containers: containersOf(record.id),
    ...(record.area.readOnly && { ReadOnly: true }),
    ...(isDangling && { Dangling: true }),
    ...(record.digest !== undefined && { Digest: record.digest }),
    ...(isList && { IsManifestList: true }),
    ...(record.namesHistory.length > 0 && { History: record.namesHistory }),
    ...(record.names.length > 0 && { Names: record.names }),
    Created: Math.floor(created / 1000),
    CreatedAt: `${new Date(created).toISOString().slice(0, 19)}Z`,
  };
}
