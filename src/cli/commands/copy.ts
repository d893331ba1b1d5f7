import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileErrorText } from "../../config/load-file.ts";
import { type CopyJob, copy } from "../../copy/copy.ts";
import type { CopyOptions } from "../../copy/options.ts";
import { createTransfers } from "../../copy/transfers.ts";
import type { Digest } from "../../core/digest.ts";
import { Compression } from "../../stream/recompress.ts";
import type { CommandContext } from "../context.ts";
import { CliError, UsageWithHelp, withPrefix } from "../errors.ts";
import type { ResolvedImage } from "../parts.ts";
import { type Progress, startProgress } from "../progress.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { explaining } from "../trust/explaining-gate.ts";
import { additionalNames, copyOptions } from "./copy-options.ts";
import { printPlan } from "./copy-plan.ts";

const blobsAtOnce = 6;

/** `copy SOURCE DESTINATION`: one image, or a list of them, from one place to another. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, log, program } = context;
  const [from, to] = args;
  if (from === undefined || to === undefined || args.length !== 2) {
    throw new UsageWithHelp("Exactly two arguments expected");
  }
  if (flags.changed("tls-verify")) {
    log.warning("'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify");
  }
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const source = await resolveEnd(context, from, "source");
  const destination = await resolveEnd(context, to, "destination");
  const options = copyOptions(flags, program, parts.platform);
  warnOfIdleFlags(context, destination);
  await using signing = await openSigning(context);
  const explains = program === "amphora" && flags.bool("explain");
  const judging = explains ? explaining(gate, (text) => context.terminal.err(text)) : gate;
  const job = { from: source, to: destination, gate: judging, options, signing };
  if (program === "amphora" && flags.bool("dry-run")) return await printPlan(context, job);
  const settings = endSettings(flags, globals, "dest-");
  const digest = await withRetries(context, settings, () => copyOnce(context, job));
  await writeDigest(flags.string("digestfile"), digest);
}

async function resolveEnd(
  context: CommandContext,
  text: string,
  as: "source" | "destination",
): Promise<ResolvedImage> {
  const { flags, globals, signal } = context;
  const parts = await context.parts();
  const settings = endSettings(flags, globals, as === "source" ? "src-" : "dest-");
  const end = await parts.end(settings, {
    compress: as === "destination" && flags.bool("dest-compress"),
    decompress: as === "destination" && flags.bool("dest-decompress"),
    acceptUncompressed: as === "destination" && flags.bool("dest-oci-accept-uncompressed-layers"),
    ...(as === "destination" && { additionalNames: additionalNames(flags) }),
  });
  return await withPrefix(`Invalid ${as} name ${text}`, () => end.resolve(text, as, { signal }));
}

function warnOfIdleFlags({ flags, log }: CommandContext, { reference }: ResolvedImage): void {
  if (reference.transport === "dir") return;
  for (const name of ["dest-compress", "dest-decompress"]) {
    if (!flags.bool(name)) continue;
    log.warning(`--${name} can only be used if the destination transport is 'dir'`);
  }
}

async function copyOnce(
  context: CommandContext,
  job: Pick<CopyJob, "from" | "to" | "gate" | "options" | "signing">,
): Promise<Digest> {
  const { flags, signal } = context;
  const progress: Progress = startProgress(context, { dataOnStdout: writesToStdout(job.to) });
  try {
    const digest = await copy({
      ...job,
      signal,
      report: progress.report,
      transfers: createTransfers(transferSlots(flags.number("image-parallel-copies"), job.options)),
      compression: new Compression({ parallel: availableParallelism() }),
      tellLayers: progress.tellsLayers,
    });
    await progress.end((await context.parts()).traffic());
    return digest;
  } catch (error) {
    await progress.end(undefined);
    throw error;
  }
}

/** Whether the archive goes where the progress would: between the two of them nobody could read either. */
function writesToStdout({ reference: { transport, text } }: CopyJob["to"]): boolean {
  return /-archive$/.test(transport) && /^\/(dev\/stdout|(dev|proc\/self)\/fd\/1)(:|$)/.test(text);
}

/** Where every layer is packed anew the cores are the limit: more layers at once only push each other out of the caches. */
function transferSlots(wanted: number, { compression }: CopyOptions): number {
  if (wanted > 0) return wanted;
  return compression.force ? Math.min(blobsAtOnce, availableParallelism() + 1) : blobsAtOnce;
}

async function writeDigest(file: string, digest: Digest): Promise<void> {
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
