const MIN_WIDTH = 12;
const PADDING = 2;

/**
 * Aligns cells that end in tabs, as Go's tabwriter does with a least width of 12 and a padding of 2. A column is a block
 * of lines one above the other that all have a cell there; the last cell of a line belongs to none.
 */
export function alignTable(text: string): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((cells) => cells.map(() => 0));
  const columns = Math.max(...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < columns; column += 1) setWidths(lines, widths, column);
  return lines
    .map((cells, row) =>
      cells.map((cell, column) => cell.padEnd(widths[row]?.[column] ?? 0)).join(""),
    )
    .join("\n");
}

function setWidths(
  lines: readonly (readonly string[])[],
  widths: readonly number[][],
  column: number,
): void {
  let block: number[] = [];
  const close = () => {
    const width = Math.max(...block.map((row) => widthOf(lines[row]?.[column] ?? "")));
    // A column of nothing but empty cells takes no room.
    const isEmpty = block.every((row) => (lines[row]?.[column] ?? "") === "");
    for (const row of block) {
      const cells = widths[row];
      if (cells) cells[column] = isEmpty ? MIN_WIDTH : Math.max(MIN_WIDTH, width + PADDING);
    }
    block = [];
  };
  for (const [row, cells] of lines.entries()) {
    if (column < cells.length - 1) block.push(row);
    else if (block.length > 0) close();
  }
  if (block.length > 0) close();
}

function widthOf(cell: string): number {
  return Array.from(cell).length;
}
