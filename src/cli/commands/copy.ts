import type { CopyOptions } from "../../copy/options.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp, withPrefix } from "../errors.ts";
import type { ResolvedImage } from "../parts.ts";
import { withRetries } from "../retry.ts";
import { runCopy, writeDigestFile } from "../run-copy.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { explaining } from "../trust/explaining-gate.ts";
import { additionalNames, copyOptions } from "./copy-options.ts";
import { printPlan } from "./copy-plan.ts";
import { layerCrypto } from "./layer-crypto.ts";

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
  const asked = copyOptions(flags, program, parts.platform);
  const crypto = await layerCrypto(flags);
  const options = crypto?.does === "encrypt" ? withoutContents(asked, log) : asked;
  warnOfIdleFlags(context, destination);
  await using signing = await openSigning(context);
  const explains = program === "amphora" && flags.bool("explain");
  const judging = explains ? explaining(gate, (text) => context.terminal.err(text)) : gate;
  const job = {
    from: source,
    to: destination,
    gate: judging,
    options,
    signing,
    ...(crypto && { crypto }),
  };
  if (program === "amphora" && flags.bool("dry-run")) return await printPlan(context, job);
  const settings = endSettings(flags, globals, "dest-");
  const digest = await withRetries(context, settings, () => runCopy(context, job));
  await writeDigestFile(flags.string("digestfile"), digest);
}

/** Nobody can pull a part of what is encrypted, and a table of contents of it would be there for everybody to read. */
function withoutContents(options: CopyOptions, log: CommandContext["log"]): CopyOptions {
  const { compression } = options;
  if (compression.format !== "zstd:chunked") return options;
  log.warning(
    "Compression using zstd:chunked is not beneficial for encrypted layers, using plain zstd instead",
  );
  return { ...options, compression: { ...compression, format: "zstd" } };
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
