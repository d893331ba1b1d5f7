import { type CompatRow, compatRows } from "../compat.ts";
import type { CommandContext } from "../context.ts";

/** `compat`: how each of skopeo's commands and flags is answered. */
export async function run({ flags, program, terminal }: CommandContext): Promise<void> {
  const rows = compatRows();
  if (program === "amphora" && flags.bool("json"))
    return terminal.out(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const names = rows.map(nameOf);
  const width = Math.max(...names.map((name) => name.length));
  const lines = rows.map(({ answer, note }, index) => {
    const row = `${(names[index] ?? "").padEnd(width)}  ${answer.padEnd(9)}  ${note ?? ""}`;
    return `${row.trimEnd()}\n`;
  });
  await terminal.out(lines.join("") + summaryOf(rows));
}

function nameOf({ command, flag }: CompatRow): string {
  const name = command === "" ? "skopeo" : `skopeo ${command}`;
  return flag === undefined ? name : `${name} ${flag}`;
}

function summaryOf(rows: readonly CompatRow[]): string {
  const count = (answer: CompatRow["answer"]) => rows.filter((row) => row.answer === answer).length;
  return `\n${count("same")} same, ${count("different")} different, ${count("missing")} missing\n`;
}
