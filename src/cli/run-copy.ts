import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileErrorText } from "../config/load-file.ts";
import { type CopyJob, copy } from "../copy/copy.ts";
import type { CopyEvent } from "../copy/events.ts";
import type { CopyOptions } from "../copy/options.ts";
import { createTransfers } from "../copy/transfers.ts";
import type { Digest } from "../core/digest.ts";
import { goQuote } from "../core/go-quote.ts";
import { Compression } from "../stream/recompress.ts";
import type { CommandContext } from "./context.ts";
import { CliError } from "./errors.ts";
import { progressAside } from "./local/wishes.ts";
import { type Progress, startProgress } from "./progress.ts";

const blobsAtOnce = 6;

/** What a command decides of a copy; the rest follows from the run. */
export type CopyWish = Pick<CopyJob, "from" | "to" | "gate" | "options" | "signing" | "crypto">;

/**
 * Makes one copy, and shows how it goes.
 *
 * @param aside standard output is for results: progress is told on standard error
 * @returns the digest of the top manifest as it stands at the destination
 */
export async function runCopy(
  context: CommandContext,
  wish: CopyWish,
  { aside = false }: { readonly aside?: boolean } = {},
): Promise<Digest> {
  const { flags, signal } = context;
  const shown = aside || writesToStdout(wish.to) ? progressAside(context) : context;
  const progress: Progress = startProgress(shown);
  const wanted = flags.has("image-parallel-copies") ? flags.number("image-parallel-copies") : 0;
  try {
    const digest = await copy({
      ...wish,
      signal,
      report: (event) => {
        if (event.type === "other-platform") logOtherPlatform(event, context);
        progress.report(event);
      },
      transfers: createTransfers(transferSlots(wanted, wish.options)),
      compression: new Compression(),
      tellLayers: progress.tellsLayers,
    });
    await progress.end((await context.parts()).traffic());
    return digest;
  } catch (error) {
    await progress.end(undefined);
    throw error;
  }
}

/** As skopeo says it; we ourselves bring what was asked for without a word. */
function logOtherPlatform(
  {
    platform: { os, architecture, variant },
    wanted,
  }: Extract<CopyEvent, { type: "other-platform" }>,
  { log, program }: CommandContext,
): void {
  if (program !== "skopeo") return;
  const expected = wanted.map((one) => `${one.os}+${one.architecture}+${goQuote(one.variant)}`);
  log.info(
    `Image operating system mismatch: image uses OS ${goQuote(os)}+architecture ${goQuote(architecture)}+${goQuote(variant)}, expecting one of ${goQuote(expected.join(", "))}`,
  );
}

/** Whether the archive goes where the progress would: between the two of them nobody could read either. */
function writesToStdout({ reference: { transport, text } }: CopyWish["to"]): boolean {
  return /-archive$/.test(transport) && /^\/(dev\/stdout|(dev|proc\/self)\/fd\/1)(:|$)/.test(text);
}

/** Where every layer is packed anew the cores are the limit: more layers at once only push each other out of the caches. */
function transferSlots(wanted: number, { compression }: CopyOptions): number {
  if (wanted > 0) return wanted;
  return compression.force ? Math.min(blobsAtOnce, availableParallelism() + 1) : blobsAtOnce;
}

/** Writes what `--digestfile` asks for; nothing where it was not given. @throws {CliError} `cli.unwritable` */
export async function writeDigestFile(file: string, digest: Digest): Promise<void> {
  if (file === "") return;
  try {
    await writeFile(file, digest, { mode: 0o644 });
  } catch (error) {
    throw new CliError(
      "cli.unwritable",
      `Failed to write digest to file ${JSON.stringify(file)}: ${fileErrorText(error, "open", file)}`,
      { cause: error },
    );
  }
}
