import { UsageError } from "../../core/errors.ts";
import { goCompact, goIndent } from "../../core/go-json.ts";
import { areasOf } from "../../storage/areas-of.ts";
import { readContainers } from "../../storage/read-containers.ts";
import type { Store } from "../../storage/store.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { rowFilter } from "../local/filter-images.ts";
import { findLocalImage } from "../local/find-image.ts";
import { imageReport, reportOf } from "../local/image-report.ts";
import {
  cellsOf,
  type ImageRow,
  jsonOf,
  type RowCells,
  type RowOptions,
  rowFields,
  rowsOf,
  sortRows,
  tagsOrFirst,
  withNamesOfRows,
} from "../local/image-rows.ts";
import { type LocalImage, listLocalImages } from "../local/local-image.ts";
import { type LocalStore, openLocal } from "../local/open-local.ts";
import { renderRows } from "../local/report-rows.ts";
import { tableText } from "../local/table.ts";

const headings: RowCells = {
  ...(Object.fromEntries(rowFields.map((name) => [name, name.toUpperCase()])) as RowCells),
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  RepoDigests: "REPO DIGESTS",
};

/** `images [IMAGE]`: what there is in the local store. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, terminal } = context;
  if (args.length > 1)
    throw new UsageError("usage.bad-flag", `accepts at most 1 arg(s), received ${args.length}`);
  const local = await openLocal(context, "read");
  const images = await listLocalImages(local.store);
  const now = Date.now();
  const containers = containersIn(local.store);
  const containersOf = (id: string) => containers.filter((image) => image === id).length;
  const fits = await rowFilter(conditionsOf(context), {
    find: async (text) => await findAmong(images, local, text),
    containersOf,
    now,
  });
  const asked = withNamesOfRows(rowsOf(images).filter(fits));
  const rows = tagsOrFirst(sortRows(asked, flags.string("sort") || "created"));
  const options: RowOptions = {
    now,
    noTrunc: flags.bool("no-trunc"),
    containersOf,
  };
  await terminal.out(textOf(rows, options, context));
}

function textOf(rows: readonly ImageRow[], options: RowOptions, context: CommandContext): string {
  const { flags } = context;
  const format = flags.string("format");
  const heading = !flags.bool("noheading");
  if (flags.bool("quiet")) {
    const ids = new Set(rows.map((row) => cellsOf(row, options).ID));
    return [...ids].map((id) => `${id}\n`).join("");
  }
  if (format === "json") {
    const json = JSON.stringify(rows.map((row) => jsonOf(row, options)));
    return `${goIndent(goCompact(json), "    ")}\n`;
  }
  if (format !== "") {
    const reports = rows.map((row) => reportOf(row, options));
    return renderRows(reports, { name: "images", format, heading, headings, type: imageReport });
  }
  const cells = rows.map((row) => cellsOf(row, options));
  const digest = flags.bool("digests") ? (["Digest"] as const) : [];
  const columns = ["Repository", "Tag", ...digest, "ID", "Created", "Size"] as const;
  const shown = heading ? [headings, ...cells] : cells;
  return tableText(shown.map((row) => columns.map((column) => row[column])));
}

/** What was asked for; without `--all`, no steps to other images, unless they are asked for. */
function conditionsOf({ args, flags }: CommandContext): readonly string[] {
  const conditions = flags.strings("filter");
  const isAll = flags.bool("all") || conditions.some((text) => text.startsWith("intermediate"));
  return [
    ...conditions,
    ...(isAll ? [] : ["intermediate=false"]),
    ...args.map((name) => `reference=${name}`),
  ];
}

async function findAmong(
  images: readonly LocalImage[],
  { store, rules }: LocalStore,
  text: string,
): Promise<LocalImage> {
  const { image } = await findLocalImage(store, text, rules);
  const found = images.find(({ record }) => record.id === image.id);
  if (found) return found;
  throw new TransportError("transport.image-not-found", `${text}: image not known`);
}

/** The images that containers stand on, one for each container. */
function containersIn({ place }: Store): readonly string[] {
  return readContainers(areasOf(place)[0], place.runroot).map(({ image }) => image);
}
