import type { CompressionWish, CopyOptions, ImageSelection } from "../../copy/options.ts";
import { type DockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { type Platform, parsePlatform } from "../../core/platform.ts";
import { parseWritableFormat } from "../../stream/compression-format.ts";
import type { FlagValues } from "../flags.ts";
import { signIdentity } from "../signers.ts";
import type { ProgramName } from "../specs/spec.ts";

const formats: Readonly<Record<string, string>> = {
  oci: mediaTypes.ociManifest,
  v2s1: mediaTypes.schema1Signed,
  v2s2: mediaTypes.dockerManifest,
};

/**
 * What `copy`'s flags ask of the copy; checked in skopeo's order, before anything is opened.
 *
 * @throws {UsageError} `usage.bad-flag`
 */
export function copyOptions(
  flags: FlagValues,
  program: ProgramName,
  platform: Platform,
): CopyOptions {
  const manifestType = manifestTypeOf(flags.optionalString("format"));
  additionalNames(flags);
  const select = selection(flags, program);
  refuseContradictions(flags);
  return {
    select,
    platform,
    preserveDigests: flags.bool("preserve-digests"),
    removeSignatures: flags.bool("remove-signatures"),
    compression: compressionWish(flags),
    ...(manifestType !== undefined && { manifestType }),
  };
}

/** What `--format` names. @throws {UsageError} `usage.bad-flag` */
export function manifestTypeOf(format: string | undefined): string | undefined {
  if (format === undefined) return undefined;
  if (Object.hasOwn(formats, format)) return formats[format];
  throw bad(
    `unknown format ${goQuote(format)}. Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'`,
  );
}

/** `--additional-tag`. @throws {UsageError} `usage.bad-flag` */
export function additionalNames(flags: FlagValues): readonly DockerReference[] {
  return flags.strings("additional-tag").map((text) => {
    const name = parseName(text);
    if (name.tag === undefined) throw bad(`additional-tag '${text}' must be a tagged reference`);
    return name;
  });
}

function parseName(text: string): DockerReference {
  try {
    return parseDockerReference(text);
  } catch (error) {
    throw bad(`error parsing additional-tag '${text}': ${(error as Error).message}`);
  }
}

function selection(flags: FlagValues, program: ProgramName): ImageSelection {
  const multiArch = flags.optionalString("multi-arch");
  const platforms = program === "skopeo" ? [] : flags.strings("platform");
  if (multiArch !== undefined && flags.bool("all")) {
    throw bad("Cannot use --all and --multi-arch flags together");
  }
  if (platforms.length > 0) {
    if (multiArch !== undefined || flags.bool("all")) {
      throw bad("Cannot use --platform together with --all or --multi-arch");
    }
    return { type: "platforms", platforms: platforms.map(parsePlatform) };
  }
  if (flags.bool("all")) return { type: "all" };
  return multiArch === undefined ? { type: "system" } : multiArchSelection(multiArch, program);
}

function multiArchSelection(text: string, program: ProgramName): ImageSelection {
  if (text === "system" || text === "all" || text === "index-only") return { type: text };
  if (program === "amphora" && text.includes("/")) {
    return { type: "platforms", platforms: text.split(",").map(parsePlatform) };
  }
  throw bad(
    `unknown multi-arch option ${goQuote(text)}. Choose one of the supported options: 'system', 'all', or 'index-only'`,
  );
}

function refuseContradictions(flags: FlagValues): void {
  if (flags.strings("encryption-key").length > 0 && flags.strings("decryption-key").length > 0) {
    throw bad("--encryption-key and --decryption-key cannot be specified together");
  }
  if (flags.numbers("encrypt-layer").length > 0 && flags.strings("encryption-key").length === 0) {
    throw bad("--encrypt-layer can only be used with --encryption-key");
  }
  signIdentity(flags.string("sign-identity"));
}

function compressionWish(flags: FlagValues): CompressionWish {
  const name = flags.string("dest-compress-format");
  const force = flags.bool("dest-force-compress-format");
  if (force && name === "") {
    throw bad("cannot use ForceCompressionFormat with undefined default compression format");
  }
  return {
    force,
    ...(name !== "" && { format: parseWritableFormat(name) }),
    ...(flags.changed("dest-compress-level") && { level: flags.number("dest-compress-level") }),
  };
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
