import { readFile } from "node:fs/promises";
import type { Gate } from "../../../policy/gate.ts";
import { fileErrorText } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { createLocalCoordinator } from "../../sync/local-coordinator.ts";
import type { Mirror } from "../../sync/mirror.ts";
import { type SkopeoTarget, splitPlace } from "../../sync/naming.ts";
import type { MirrorDocument } from "../../sync/parse-mirror.ts";
import { clock } from "../clock.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { hostLimits } from "./host-limits.ts";
import { createMirrorEnds } from "./mirror-ends.ts";
import { NewFolders } from "./new-folders.ts";
import { openOutput, runSync } from "./run-sync.ts";
import { copyOptionsOf, ruleWithFlags } from "./sync-options.ts";

/** Where nothing is said; requests are tried again on their own. */
const retriesOfImages = 2;

/**
 * `amphora sync FILE`: a specification of ours; or, with a destination, a file of skopeo's. A failed image does not end the
 * run unless the file or `--keep-going=false` says so.
 */
export async function syncByDocument(
  context: CommandContext,
  gate: Gate,
  file: string,
  destination: string | undefined,
): Promise<void> {
  const { flags, globals, log } = context;
  const document = await readDocument(context, file, destination); // what is wrong in it leaves the last run's report as it is
  await using output = await openOutput(context);
  const mirror: Mirror = {
    rules: document.mirror.rules.map((rule) => ruleWithFlags(context, rule)),
  };
  await using signing = await openSigning(context);
  await using coordinator = createLocalCoordinator(hostLimits(flags, document.hosts), clock);
  await using folders = new NewFolders();
  const ends = createMirrorEnds(context, { ...document, mirror }, { coordinator, folders });
  if (mirror.rules.length === 0) log.warning(`${file} names no images`);
  await runSync(
    context,
    {
      mirror,
      gate,
      signing,
      coordinator,
      ends,
      retries: flags.changed("retry-times")
        ? endSettings(flags, globals, "dest-").retryTimes
        : retriesOfImages,
      dryRun: flags.bool("dry-run"),
      keepGoing: flags.optionalBool("keep-going") ?? document.keepGoing ?? true,
      ...(document.parallel !== undefined && { parallel: document.parallel }),
    },
    output,
  );
}

async function readDocument(
  context: CommandContext,
  file: string,
  destination: string | undefined,
): Promise<MirrorDocument> {
  const { platform } = await context.parts();
  const { parseMirror } = await import("../../sync/parse-mirror.ts");
  const document = await parseMirror(await readText(file), {
    file,
    platform,
    skopeo: {
      target: targetOf(context, destination ?? ""),
      copy: copyOptionsOf(context, platform),
    },
  });
  if (document.language === "amphora") refuseWords(context, file, destination);
  else if (destination === undefined)
    throw new UsageError(
      "usage.bad-flag",
      `${file} is skopeo's, and does not say where images go`,
      {
        hint: "Name a destination behind it: docker://HOST/PATH or dir:FOLDER",
      },
    );
  return document;
}

/** What is to be said in a file of ours is not taken from elsewhere. @throws {UsageError} `usage.bad-flag` */
function refuseWords(
  { flags }: CommandContext,
  file: string,
  destination: string | undefined,
): void {
  const flag = ["scoped", "append-suffix"].find((name) => flags.changed(name));
  const word = destination ?? (flag === undefined ? undefined : `--${flag}`);
  if (word === undefined) return;
  throw new UsageError("usage.bad-flag", `${file} says itself where images go`, {
    hint: `Leave out ${word}`,
  });
}

/** Where the images of skopeo's files go: `docker://HOST/PATH`, `dir:FOLDER`. @throws {UsageError} `usage.bad-flag` */
function targetOf({ flags }: CommandContext, destination: string): SkopeoTarget {
  const { transport, rest } = splitPlace(destination);
  if (transport !== "docker" && transport !== "dir")
    throw new UsageError("usage.bad-flag", `"${transport}" is not a valid destination transport`, {
      hint: "Write docker://HOST/PATH or dir:FOLDER",
    });
  return {
    transport,
    destination: rest,
    scoped: flags.bool("scoped"),
    suffix: flags.string("append-suffix"),
    end: "destination",
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CliError("cli.unreadable", fileErrorText(error, "open", file), {
      cause: error,
      hint: "Name the file of a mirror, or say --src and --dest",
    });
  }
}
