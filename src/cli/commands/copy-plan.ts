import type { CopyJob } from "../../copy/copy.ts";
import { type DryRun, dryRun, type PlannedImage } from "../../copy/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { formatBytes } from "../summary.ts";

/** `copy --dry-run`: what would be copied, as text or, with `--progress json`, as one JSON object. */
export async function printPlan(
  { flags, terminal, signal }: CommandContext,
  job: Pick<CopyJob, "from" | "to" | "gate" | "options" | "signing">,
): Promise<void> {
  const plan = await dryRun({ ...job, signal, tellLayers: false });
  const json = flags.string("progress") === "json";
  await terminal.out(json ? `${JSON.stringify(plan)}\n` : planText(plan));
}

function planText({ from, to, index, images, nothingToDo }: DryRun): string {
  const lines = [`Would copy ${from} to ${to}`];
  if (nothingToDo) lines.push("Nothing to do: the destination is the same already");
  for (const image of images) lines.push(...imageText(image));
  if (index !== undefined) lines.push(`Index ${index}`);
  const layers = new Map(
    images.flatMap((image) => image.layers.map((layer) => [layer.digest, layer])),
  );
  const bytes = [...layers.values()].reduce((sum, { size }) => sum + Math.max(0, size), 0);
  lines.push(
    `${count(images.length, "image")}, ${count(layers.size, "layer")}, at most ${formatBytes(bytes)}`,
  );
  return `${lines.join("\n")}\n`;
}

function imageText({ digest, platform, manifestTypes, layers }: PlannedImage): readonly string[] {
  return [
    `Image ${digest}${platform === undefined ? "" : ` (${platform})`}`,
    ...layers.map(
      (layer) => `  ${layer.digest}  ${layer.size < 0 ? "?" : formatBytes(layer.size)}`,
    ),
    `  as ${manifestTypes.join(", else ")}`,
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
