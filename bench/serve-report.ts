import { median } from "./report.ts";

/** What was measured, for us and for a peer, and how it stands to what is wanted. */
export interface ServeRow {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  /** What it is compared with: a peer's figures, or ours of another case. */
  readonly theirs?: readonly number[];
  /** Processor time of the server, in milliseconds, for as much as `cpuPer` says. */
  readonly ourCpu?: readonly number[];
  readonly theirCpu?: readonly number[];
  readonly goal?: Goal;
}

/** A bound of the figure itself, or of what part it is of the other. */
export interface Goal {
  readonly of: "figure" | "ratio";
  readonly atLeast?: number;
  readonly atMost?: number;
}

const columns = ["ours", "other", "ratio", "goal", "", "cpu ms", "other"];

/** A table: medians, ratios, and whether the goal is met. */
export function serveTable(rows: readonly ServeRow[]): string {
  return [line("", columns), ...rows.map((row) => line(`${row.name} (${row.unit})`, cells(row)))]
    .map((text) => text.trimEnd())
    .join("\n");
}

function cells(row: ServeRow): string[] {
  const [ours, theirs] = [median(row.ours), median(row.theirs ?? [])];
  const ratio = ours === undefined || !theirs ? undefined : ours / theirs;
  return [
    figure(ours),
    figure(theirs),
    figure(ratio),
    goalText(row.goal),
    verdict(row.goal, row.goal?.of === "figure" ? ours : ratio),
    figure(median(row.ourCpu ?? [])),
    figure(median(row.theirCpu ?? [])),
  ];
}

function goalText(goal: Goal | undefined): string {
  if (goal?.atLeast !== undefined) return `>= ${goal.atLeast}`;
  return goal?.atMost === undefined ? "" : `<= ${goal.atMost}`;
}

function verdict(goal: Goal | undefined, value: number | undefined): string {
  if (!goal || value === undefined) return "";
  const isMet =
    value >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value <= (goal.atMost ?? Number.POSITIVE_INFINITY);
  return isMet ? "met" : "MISSED";
}

function figure(value: number | undefined): string {
  if (value === undefined) return "";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 1 ? 2 : 4);
}

function line(name: string, texts: readonly string[]): string {
  return name.padEnd(52) + texts.map((text) => text.padStart(10)).join("");
}
