import { alignTable } from "../template/table.ts";

/** Rows as podman prints them: the last column is not filled up. No rows and no heading is no text. */
export function tableText(rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = rows.map((cells) => cells.map(oneLine).join("\t"));
  return `${alignTable(lines.join("\n"))}\n`;
}

/** What an image says of itself must not break the table, or steer the terminal. */
function oneLine(cell: string): string {
  return cell.replaceAll(/\p{Cc}/gu, " ");
}
