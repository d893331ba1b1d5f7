import { UsageError } from "../../core/errors.ts";
import { goCompact } from "../../core/go-json.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { findLocalImage } from "../local/find-image.ts";
import { humanDuration, humanSize } from "../local/human.ts";
import { type HistoryStep, historyOf } from "../local/image-history.ts";
import { listLocalImages } from "../local/local-image.ts";
import { openLocal } from "../local/open-local.ts";
import { renderRows } from "../local/report-rows.ts";
import { tableText } from "../local/table.ts";

const headings = {
  ID: "ID",
  Created: "CREATED",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
  CreatedAt: "CREATED AT",
  CreatedSince: "CREATED SINCE",
  Tags: "TAGS",
};

type Cells = Readonly<Record<keyof typeof headings, string>>;

const missing = "<missing>";

/** `history IMAGE`: the steps that made it. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, terminal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", `accepts 1 arg(s), received ${args.length}`);
  const { store, rules } = await openLocal(context, "read");
  const { image } = await findLocalImage(store, name, rules);
  const local = (await listLocalImages(store)).find(({ record }) => record.id === image.id);
  if (!local?.config)
    throw new TransportError("transport.unreadable", `${name}: the image has no config to read`);
  const steps = await historyOf(store, local);
  const format = flags.string("format");
  if (format === "json") return await terminal.out(jsonOf(steps));
  const cells = steps.map((step) => cellsOf(step, context));
  if (flags.bool("quiet")) return await terminal.out(cells.map(({ ID }) => `${ID}\n`).join(""));
  if (format !== "") {
    const report = { name: "history", format, heading: true, headings };
    return await terminal.out(renderRows(cells, report));
  }
  const columns = ["ID", "Created", "CreatedBy", "Size", "Comment"] as const;
  const rows = [headings, ...cells].map((row) => columns.map((column) => row[column]));
  await terminal.out(tableText(rows));
}

function cellsOf(step: HistoryStep, { flags }: CommandContext): Cells {
  const noTrunc = flags.bool("no-trunc");
  const human = flags.optionalBool("human") ?? true;
  const id = step.id ?? missing;
  const time = Date.parse(step.created);
  const since = Number.isNaN(time) ? "" : `${humanDuration(Date.now() - time)} ago`;
  return {
    ID: noTrunc || !step.id ? id : id.slice(0, 12),
    Created: human ? since : step.created,
    CreatedSince: since,
    CreatedAt: step.created,
    CreatedBy: noTrunc ? step.createdBy : shortened(step.createdBy),
    Size: human ? humanSize(step.size, 3).join("") : String(step.size),
    Comment: step.comment,
    Tags: `[${step.names.join(" ")}]`, // a list in Go
  };
}

function shortened(text: string): string {
  return text.length > 45 ? `${text.slice(0, 42)}...` : text;
}

/** The members of podman's `history --format json`, in its order. */
function jsonOf(steps: readonly HistoryStep[]): string {
  const list = steps.map(({ id, names, created, createdBy, comment, size }) => ({
    id: id ?? missing,
    ...(created !== "" && { created }),
    CreatedBy: createdBy,
    ...(names.length > 0 && { tags: names }),
    ...(size > 0 && { size }),
    ...(comment !== "" && { comment }),
    ...(created !== "" && { Created: created }),
  }));
  return `${goCompact(JSON.stringify(list))}\n`;
}
