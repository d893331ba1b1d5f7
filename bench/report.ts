import type { Sample } from "./measure.ts";

/** What came out for one tool in one case. */
export interface Result {
  readonly case: string;
  readonly tool: string;
  readonly samples: readonly Sample[];
  readonly requests?: number;
  readonly bytes?: number;
  /** Most bytes that were in the temporary folder at once. */
  readonly stagedBytes?: number;
  /** Why there are no samples. */
  readonly failure?: string;
}

/** The middle of the values; undefined of none. */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

const columns = [
  "wall ms",
  "ours/it",
  "cpu ms",
  "ours/it",
  "MB",
  "requests",
  "MB sent",
  "MB staged",
];

/** A table of one case: medians, and what part of each tool's our own are. */
export function caseTable(
  name: string,
  results: readonly Result[],
  goal: number | undefined,
): string {
  const ours = results.find(({ tool }) => tool === "amphora");
  const wish = goal === undefined ? "" : ` (goal: ${goal} of skopeo's wall time)`;
  const lines = [`\n${name}${wish}`, `  ${cells(["", ...columns])}`];
  for (const result of results) {
    lines.push(
      `  ${result.failure ? `${result.tool}: ${result.failure}` : cells(row(result, ours))}`,
    );
  }
  return lines.join("\n");
}

function row(result: Result, ours: Result | undefined): string[] {
  const wall = median(result.samples.map(({ wallMs }) => wallMs));
  const cpu = median(result.samples.map(({ cpuMs }) => cpuMs));
  const ourWall = median(ours?.samples.map(({ wallMs }) => wallMs) ?? []);
  const ourCpu = median(ours?.samples.map(({ cpuMs }) => cpuMs) ?? []);
  return [
    result.tool,
    rounded(wall),
    ratio(ourWall, wall),
    rounded(cpu),
    ratio(ourCpu, cpu),
    rounded(median(result.samples.map(({ memoryMb }) => memoryMb))),
    rounded(result.requests),
    megabytes(result.bytes),
    megabytes(result.stagedBytes),
  ];
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : (bytes / 1e6).toFixed(1);
}

function rounded(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(0);
}

function ratio(ours: number | undefined, theirs: number | undefined): string {
  return ours === undefined || !theirs ? "" : (ours / theirs).toFixed(2);
}

function cells(texts: readonly string[]): string {
  return texts.map((text, i) => (i === 0 ? text.padEnd(12) : text.padStart(10))).join("");
}
