import {
  type GoType,
  goBool,
  goInt64,
  goString,
  goStringMap,
  goStrings,
} from "../template/go-type.ts";
import { cellsOf, type ImageRow, type RowOptions, rowFields } from "./image-rows.ts";
import { repoDigests } from "./local-image.ts";

/** What is more than text, or no column of its own: the members of podman's image summary. */
const members: Readonly<Record<string, GoType>> = {
  Id: goString,
  ParentId: goString,
  Names: goStrings,
  RepoTags: goStrings,
  RepoDigests: goStrings,
  Labels: goStringMap,
  CreatedTime: goString,
  SharedSize: goInt64,
  VirtualSize: goInt64,
  ReadOnly: goBool,
  Dangling: goBool,
  Arch: goString,
  Os: goString,
};

/** What a row is to a template of `images --format`. */
export const imageReport: GoType = {
  name: "images.imageReporter",
  kind: "struct",
  fields: [
    ...rowFields
      .filter((name) => !Object.hasOwn(members, name))
      .map((name) => ({ name, key: name, type: goString })),
    ...Object.entries(members).map(([name, type]) => ({ name, key: name, type })),
  ],
};

/** A row as {@link imageReport} has it. */
export function reportOf(row: ImageRow, options: RowOptions): Readonly<Record<string, unknown>> {
  const { record, config, size, isDangling } = row.image;
  const cells = cellsOf(row, options);
  return {
    ...cells,
    Id: record.id,
    ParentId: "",
    Names: record.names,
    RepoTags: record.names,
    RepoDigests: repoDigests(record),
    Labels: config?.config?.Labels ?? null,
    CreatedTime: cells.CreatedAt,
    SharedSize: 0n,
    VirtualSize: BigInt(size),
    ReadOnly: record.area.readOnly,
    Dangling: isDangling,
    Arch: "",
    Os: "",
  };
}
